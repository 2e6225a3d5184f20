"""The API held to its own description: requests made from it, good and bad, answered as it says."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from server.app.settings import Limits
from server.database.limiting import Limit
from tests.server.shop import Shop
from tests.service.fleet import Clock, Counter

CHECKS = [
    *(not_a_server_error, status_code_conformance, content_type_conformance),
    *(response_headers_conformance, response_schema_conformance),
]
MANY = Limit("many", 1_000_000, 60)
OPERATIONS = 10
"""All but the description itself."""
NOTHING_TO_GET_WRONG = {"GET /metadata/timestamp.json", "GET /healthz", "GET /metrics"}


@pytest.mark.filterwarnings("ignore:unclosed file", "ignore::pytest.PytestUnraisableExceptionWarning")  # the client's
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_address_answers_as_its_description_says(shop: Shop, tmp_path: Path, mode: Any) -> None:
    counter = Counter.open(
        shop, f"sqlite:///{tmp_path / 'server.sqlite3'}", Clock(), Limits(enrolments=MANY, tokens=MANY, batches=MANY)
    )
    schema = schemathesis.openapi.from_wsgi("/openapi.json", counter.client.application)
    operations = [result.ok() for result in schema.get_all_operations()]
    labels = {operation.label for operation in operations}
    asked = {each.label for each in operations if ask(each, mode, counter.device(f"till {each.label}").token)}
    assert asked == (labels if mode is GenerationMode.POSITIVE else labels - NOTHING_TO_GET_WRONG)
    assert len(labels) == OPERATIONS
    counter.close()
    gc.collect()


def ask(operation: Any, mode: GenerationMode, token: str) -> bool:
    """Make requests to one address, as it describes them or not; return whether there were any."""

    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def each(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    try:
        each()
    except Unsatisfiable:
        return False
    return True
