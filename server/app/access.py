"""Who is asking: the device that a bearer token belongs to (RFC 6750), and how often anyone may try."""

from __future__ import annotations

import ipaddress

from flask import request

from server.app.problems import Problem
from server.app.service import service
from server.database.enrolment import Device, device_of
from server.database.limiting import Limit, give_back, wait_s

LONGEST_TOKEN = 200
GONE = "this token is unknown or was revoked: ask the operator for a code and enrol again"


def asking_device() -> Device:
    """Return the device that asks.

    Raises:
        Problem: 401, its token is missing, unknown or revoked; 429, too many of that kind were shown.
    """
    here, who = service(), network()
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not 1 <= len(token) <= LONGEST_TOKEN:
        raise Problem(401, "a token is needed: enrol this device first")
    if (device := device_of(here.engine, token)) is None:
        allow(here.settings.limits.tokens, who)
        raise Problem(401, GONE)
    return device


def allow(limit: Limit, who: str) -> None:
    """Count a try.

    Raises:
        Problem: 429, there were too many.
    """
    here = service()
    if wait := wait_s(here.engine, limit, who, here.now_s()):
        raise Problem(429, f"too many tries: wait {wait} s", wait)


def forgive(limit: Limit, who: str) -> None:
    """Uncount a try that turned out well."""
    here = service()
    give_back(here.engine, limit, who, here.now_s())


def network() -> str:
    """Return where a request comes from: an IPv4 address, or the /64 of an IPv6 one, which one subscriber has whole."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    return str(address) if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))
