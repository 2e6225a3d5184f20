"""The service: enrolment, events, own data and published files for devices, the upload page, and the operator's page.

>>> app = create_app(settings_of(Path("shop")))
"""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import Flask
from flask.json.provider import DefaultJSONProvider
from werkzeug.middleware.proxy_fix import ProxyFix

from server.admin import entrance, pages
from server.app import artefacts, describing, enrolling, health, metrics, own_data, receiving, upload_page
from server.app.listed import ListedProducts
from server.app.logs import log_requests, write_logs
from server.app.problems import answer_problems
from server.app.service import EXTENSION, Service
from server.app.settings import ServiceSettings
from server.app.site import Site
from server.database.connection import open_engine

BLUEPRINTS = tuple(
    module.blueprint
    for module in (artefacts, describing, enrolling, entrance, health, metrics, own_data, pages, receiving, upload_page)
)


def create_app(settings: ServiceSettings, now_s: Callable[[], float] = time.time) -> Flask:
    """Make the application.

    Args:
        settings: repository, database, limits.
        now_s: tells the time, seconds since 1970.

    Raises:
        UsageError: the database's address is none.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.limits.packed_bytes + 1  # a body of unknown length is cut there
    app.url_map.strict_slashes = False
    app.json = _Plain(app)
    engine = open_engine(settings.database)
    listed, site = ListedProducts(settings.repository), Site(settings.page)
    app.extensions[EXTENSION] = Service(settings, engine, listed, site, now_s)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    answer_problems(app)
    metrics.count_requests(app)
    write_logs()
    log_requests(app)
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)  # type: ignore[method-assign]
    return app


class _Plain(DefaultJSONProvider):
    """JSON as it is elsewhere in the kit: UTF-8, in the order in which it was made."""

    ensure_ascii = False
    sort_keys = False
