"""Counts for Prometheus, over all workers where PROMETHEUS_MULTIPROC_DIR names a folder for them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from flask import Blueprint, Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from server.app.health import state_of
from server.app.service import service

REQUESTS = Counter("taglet_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram("taglet_request_seconds", "How long answers took", ["route"])
EVENTS = Counter("taglet_events_total", "Events received", ["result"])
ENROLMENTS = Counter("taglet_enrolments_total", "Codes shown", ["result"])
_METHODS = {"GET", "HEAD", "POST", "DELETE", "OPTIONS"}

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Answer in Prometheus' text format."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    standing = CollectorRegistry()
    standing.register(_Standing())
    return Response(generate_latest(registry) + generate_latest(standing), content_type=CONTENT_TYPE_LATEST)


def count_requests(app: Flask) -> None:
    """Count every request of an application, under its route and never under its address."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        method = request.method if request.method in _METHODS else "other"
        REQUESTS.labels(method, route(), response.status_code).inc()
        SECONDS.labels(route()).observe(elapsed_s())
        return response


def route() -> str:
    """Return the route of the present request, "none" where it has none."""
    return request.url_rule.rule if request.url_rule else "none"


def elapsed_s() -> float:
    """Return how long the present request has taken so far, seconds."""
    return time.perf_counter() - g.began if "began" in g else 0.0


class _Standing(Collector):
    """How the service stands at the moment, whichever worker is asked."""

    def collect(self) -> Iterator[Metric]:
        state = state_of(service())
        left = GaugeMetricFamily("taglet_metadata_life_left", "Share of its life, 0 to 1", labels=["role"])
        for role in state.roles:
            left.add_metric([role.role], role.life_left)
        yield left
        yield GaugeMetricFamily("taglet_database_up", "1: it answers", value=float(state.database))
