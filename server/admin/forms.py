"""Whether a form was sent by the page that it belongs to (against cross-site request forgery).

A form carries an HMAC of its browser's cookie, which no other site can read; and a browser that says where a request
comes from (Fetch Metadata, Sec-Fetch-Site) must say: from here. The cookie is SameSite=Strict besides.
"""

from __future__ import annotations

import hashlib
import hmac

from flask import Response, request

from server.app.problems import Problem

FIELD = "form_token"
FOREIGN = "this form was not sent by this page, or its page is too old: go back, load it anew and try again"


def cookie_name(purpose: str) -> str:
    """Return the name of a cookie; over TLS one that only this very host can have set (RFC 6265bis, __Host-)."""
    return f"__Host-taglet-{purpose}" if request.is_secure else f"taglet-{purpose}"


def give_cookie(response: Response, purpose: str, value: str) -> None:
    """Let a browser keep a value until it is closed, where no script can read it."""
    name = cookie_name(purpose)
    response.set_cookie(name, value, httponly=True, samesite="Strict", secure=request.is_secure, path="/")


def take_cookie(response: Response, purpose: str) -> None:
    """Let a browser forget a value."""
    name = cookie_name(purpose)
    response.delete_cookie(name, httponly=True, samesite="Strict", secure=request.is_secure, path="/")


def form_token(cookie: str) -> str:
    """Return what a form carries in a browser that has this cookie."""
    return hmac.new(cookie.encode("utf-8", "replace"), b"taglet form", hashlib.sha256).hexdigest()


def require_own_form(cookie: str) -> None:
    """Check where the form of a request comes from.

    Raises:
        Problem: 403, from elsewhere.
    """
    sent = request.form.get(FIELD, "").encode("utf-8", "replace")
    here = request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
    if not cookie or not here or not hmac.compare_digest(sent, form_token(cookie).encode()):
        raise Problem(403, FOREIGN)
