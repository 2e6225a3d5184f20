"""For gunicorn, told by the environment (`settings_from`): `gunicorn "server.wsgi:create_app()"`."""

from __future__ import annotations

from flask import Flask

from server.app.factory import create_app as create
from server.app.settings import settings_from


def create_app() -> Flask:
    """Make the application that the environment describes."""
    return create(settings_from())
