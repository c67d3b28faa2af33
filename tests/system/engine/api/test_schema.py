"""The API against its own document, by somebody else's generator of requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as fixed
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from guestwright.engine.inventory.choices import Role
from tests.support.engine_api import listening, standing

pytestmark = pytest.mark.system

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
EXAMPLES = 2


def test_answers_are_what_the_document_says(tmp_path: Path) -> None:
    with standing(tmp_path) as stand, stand.admin() as client, listening(stand) as url:
        stand.vm("web")
        stand.template("debian")
        schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
        token = stand.token(stand.user("ann", Role.ADMIN, payload_contents=True, guest_exec=True))
        headers = {"Authorization": f"Bearer {token}"}
        count = 0
        for result in schema.get_all_operations():
            assert isinstance(result, Ok)
            operation = result.ok()
            if operation.definition.raw["operationId"] == "logout":
                continue  # ends the token

            @fixed(20261122)
            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy())
            def check(case: Any) -> None:
                answer = case.call(base_url=url, headers=headers, timeout=120)
                case.validate_response(answer, checks=CHECKS)

            check()
            count += 1
        assert count > 50
