"""The OpenAPI document, judged by somebody else's validator, and held to what the operations are."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from openapi_spec_validator import validate

from guestwright.engine.api.app import table
from guestwright.engine.api.openapi import document, errors_of
from guestwright.engine.api.parts import Parts
from tests.meta.test_errors import all_errors

NOTHING: Any = None
ENDPOINTS = {
    one.name: one
    for one in table(
        Parts(
            database=NOTHING,
            users=NOTHING,
            tokens=NOTHING,
            payloads=NOTHING,
            jobs=NOTHING,
            guests=NOTHING,
            addresses=NOTHING,
            clock=NOTHING,
        ),
        NOTHING,
    )
}
DOCUMENT: dict[str, Any] = json.loads(json.dumps(document(tuple(ENDPOINTS.values()))))
SECRET = {"answers", "password", "new", "old", "token", "digest", "contents", "stdin", "argv", "files"}


def test_others_accept_the_document() -> None:
    validate(DOCUMENT)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_operation_is_described(name: str) -> None:
    one = ENDPOINTS[name]
    shown = DOCUMENT["paths"][one.path][one.method.lower()]
    assert shown["operationId"] == name
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name)
    assert one.summary.endswith(".")
    codes = {error.code: int(error.http_status) for error in all_errors()}
    for status, answer in shown["responses"].items():
        if int(status) >= 400:
            assert list(answer["content"]) == ["application/problem+json"]
            assert all(codes[code] == int(status) for code in answer["description"].split(", "))
    assert {int(error.http_status) for error in errors_of(one)} <= {int(one) for one in shown["responses"]}


@pytest.mark.parametrize("name", ENDPOINTS)
def test_no_answer_has_a_field_for_secrets_unless_it_is_made_for_them(name: str) -> None:
    one = ENDPOINTS[name]
    shown = DOCUMENT["paths"][one.path][one.method.lower()]["responses"][str(one.status)]
    found, todo = set[str](), re.findall(r'"#/components/schemas/(\w+)"', json.dumps(shown))
    fields = set[str]()
    while todo:
        schema = todo.pop()
        if schema in found:
            continue
        found.add(schema)
        inner = DOCUMENT["components"]["schemas"][schema]
        fields |= {
            key for key, value in inner.get("properties", {}).items() if value.get("type") != "boolean"
        }
        todo += re.findall(r'"#/components/schemas/(\w+)"', json.dumps(inner))
    sizes = ("payload-versions", *(f"payload-upload{one}" for one in ("s", "", "-begin", "-write")))
    harmless = {"whoami": {"token"}, "events": {"token"}, **{key: {"files"} for key in sizes}}
    assert one.secret or not SECRET & fields - harmless.get(name, set())


def test_what_changes_something_takes_a_right_and_reading_never_changes() -> None:
    for one in ENDPOINTS.values():
        assert (one.right is None) == (one.name in {"about", "login", "openapi"})
        assert one.matched <= (one.method in {"PATCH", "PUT", "DELETE"})
        assert one.keyed <= (one.status == 202 and not one.kept)
        assert one.kept <= (one.method == "POST" and one.status in {201, 202})
        assert one.kept or one.status != 201
        assert (one.body is not None) <= (one.method in {"POST", "PUT", "PATCH"})
