"""/admin/login and /admin/logout, and the style sheet that needs no login."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from server.admin.answers import dress
from server.admin.forms import cookie_name, form_token, give_cookie, require_own_form, take_cookie
from server.app.access import allow, forgive, network
from server.app.service import service
from server.database.operator import begin_session, end_session, has_password, is_session, password_fits

SESSION, VISITOR = "session", "visitor"
STYLE = Path(__file__).parent / "style.css"
WRONG = "This is not the password."
NONE_SET = "No password was set yet: run “python -m server admin password” on the server."
_EVERYWHERE = "everywhere"
_log = logging.getLogger("server.app.admin")

blueprint = Blueprint("admin_entrance", __name__, url_prefix="/admin", template_folder="templates")
dress(blueprint)


def session_cookie() -> str:
    """Return the secret name of the session that a request shows, empty where none is open."""
    secret = request.cookies.get(cookie_name(SESSION), "")
    here = service()
    return secret if secret and is_session(here.engine, secret, here.now_s()) else ""


@blueprint.get("/login")
def ask() -> AnyResponse:
    """Show the form, or the page itself to whoever is in already."""
    if session_cookie():
        return redirect(url_for("admin.decisions"), 303)
    return _form("" if has_password(service().engine) else NONE_SET, 200)


@blueprint.post("/login")
def enter() -> AnyResponse:
    """Open a session for whoever knows the password; tries are counted before they are looked at."""
    here = service()
    require_own_form(request.cookies.get(cookie_name(VISITOR), ""))
    counted = ((here.settings.limits.logins, network()), (here.settings.limits.all_logins, _EVERYWHERE))
    for limit, who in counted:
        allow(limit, who)
    if not password_fits(here.engine, request.form.get("password", "")):
        _log.warning("login refused")
        return _form(WRONG if has_password(here.engine) else NONE_SET, 403)
    for limit, who in counted:
        forgive(limit, who)
    if old := request.cookies.get(cookie_name(SESSION), ""):
        end_session(here.engine, old)
    response = redirect(url_for("admin.decisions"), 303)
    give_cookie(_own(response), SESSION, begin_session(here.engine, here.now_s()))
    take_cookie(_own(response), VISITOR)
    _log.info("login")
    return response


@blueprint.post("/logout")
def leave() -> AnyResponse:
    """End the session, here and in the database."""
    response = redirect(url_for("admin_entrance.ask"), 303)
    if secret := session_cookie():
        require_own_form(secret)
        end_session(service().engine, secret)
        take_cookie(_own(response), SESSION)
    return response


@blueprint.get("/style.css")
def style() -> Response:
    """Answer with the style sheet that lies beside this module."""
    response = Response(STYLE.read_bytes(), mimetype="text/css")
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]


def _form(sentence: str, status: int) -> Response:
    visitor = request.cookies.get(cookie_name(VISITOR), "") or secrets.token_urlsafe(32)
    page = render_template("admin/login.html", sentence=sentence, form_token=form_token(visitor))
    response = make_response(page, status)
    give_cookie(response, VISITOR, visitor)
    return response


def _own(response: AnyResponse) -> Response:
    assert isinstance(response, Response)
    return response
