"""The OpenAPI document, judged by somebody else's validator, and held to what the operations are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from guestwright.host.enrol.roles import Role
from tests.meta.test_errors import all_errors

PAGE = Path(__file__).parents[4] / "docs" / "host-api.json"
DOCUMENT: dict[str, Any] = json.loads(PAGE.read_text())
OPERATIONS = {
    one["operationId"]: (method, path, one)
    for path, row in DOCUMENT["paths"].items()
    for method, one in row.items()
}
REACHES_IN = {
    "exec",
    "file-read",
    "file-write",
    "clipboard-set",
    "clipboard-get",
    "exec-stream",
    "exec-input",
}
MOVES_SECRETS = {"payloads-hand-over", "payloads-accept", "payloads-call-off"}


def test_others_accept_the_document() -> None:
    validate(DOCUMENT)


def test_only_reading_is_for_viewers_and_only_administrators_reach_into_guests() -> None:
    for name, (method, _, one) in OPERATIONS.items():
        role = Role(one["x-role"])
        assert (role is Role.ADMIN) == (name in REACHES_IN | MOVES_SECRETS), name
        assert method == "get" or role.covers(Role.OPERATOR), name


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_described(name: str) -> None:
    _, path, one = OPERATIONS[name]
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name)
    assert one["summary"].endswith(".")
    assert path.startswith("/v1") or path == "/metrics"
    codes = {error.code: int(error.http_status) for error in all_errors()}
    for status, answer in one["responses"].items():
        if int(status) >= 400:
            for code in answer["description"].split(", "):
                assert codes[code] == int(status)


def test_nothing_named_a_secret_is_in_an_answer() -> None:
    replies = {
        schema.rpartition("/")[2]
        for name, (_, _, one) in OPERATIONS.items()
        if name not in MOVES_SECRETS
        for schema in re.findall(r'"\$ref": "([^"]+)"', json.dumps(one["responses"]))
    }
    for name in replies:
        properties = DOCUMENT["components"]["schemas"][name].get("properties", {})
        assert not {"answers", "password", "key", "secret", "image", "contents"} & set(properties), name
