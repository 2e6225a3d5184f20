"""What every request needs: settings, database, catalogue, clock. It hangs on the application."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from flask import current_app
from sqlalchemy import Engine

from server.app.listed import ListedProducts
from server.app.settings import ServiceSettings
from server.app.site import Site

EXTENSION = "taglet"


@dataclass(frozen=True)
class Service:
    """What a request works with.

    Attributes:
        settings: what the service was told.
        engine: the database.
        listed: which products the published catalogues have.
        site: the upload page.
        now_s: tells the time, seconds since 1970.
    """

    settings: ServiceSettings
    engine: Engine
    listed: ListedProducts
    site: Site
    now_s: Callable[[], float] = time.time


def service() -> Service:
    """Return that of the application which answers the present request."""
    return cast("Service", current_app.extensions[EXTENSION])
