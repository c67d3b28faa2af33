"""Tokens, conditions and keys in headers."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.responses import Response

from guestwright.base.errors import GuestwrightError
from guestwright.engine.api import headers
from guestwright.engine.api.endpoint import Endpoint


def endpoint(**more: Any) -> Endpoint:
    given: dict[str, Any] = {
        "name": "x",
        "method": "PATCH",
        "path": "/x",
        "right": None,
        "summary": "",
        **more,
    }
    return Endpoint(handle=lambda _: None, reply=None, **given)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("Bearer abc", "abc", id="usual"),
        pytest.param("bearer  abc ", "abc", id="blanks"),
        pytest.param("Basic abc", None, id="another-scheme"),
        pytest.param("Bearer", None, id="without"),
        pytest.param("", None, id="empty"),
        pytest.param("Bearer " + "x" * 1000, "x" * 256, id="cut"),
    ],
)
def test_a_bearer_token(value: str, expected: str | None) -> None:
    assert headers.bearer(Headers({"authorization": value})) == expected


@pytest.mark.parametrize(
    ("given", "more", "expected"),
    [
        pytest.param({}, {}, ("", None), id="none"),
        pytest.param({"if-match": '"7"'}, {"matched": True}, ("", 7), id="tag"),
        pytest.param({"if-match": "*"}, {"matched": True}, ("", None), id="any"),
        pytest.param({"if-match": 'W/"7"'}, {"matched": True}, "api-bad-request", id="weak"),
        pytest.param({"if-match": '"7", "8"'}, {"matched": True}, "api-bad-request", id="several"),
        pytest.param({"if-match": '"' + "9" * 30 + '"'}, {"matched": True}, "api-bad-request", id="huge"),
        pytest.param({"if-match": '"7"'}, {}, "api-bad-request", id="where-it-means-nothing"),
        pytest.param({"idempotency-key": "k"}, {"keyed": True}, ("k", None), id="key"),
        pytest.param({"idempotency-key": "k"}, {}, "api-no-idempotency-key", id="key-refused"),
        pytest.param({"idempotency-key": "k" * 101}, {"keyed": True}, "api-bad-request", id="long-key"),
        pytest.param({"idempotency-key": "\u00e9"}, {"keyed": True}, "api-bad-request", id="no-ascii"),
    ],
)
def test_conditions(given: dict[str, str], more: dict[str, Any], expected: Any) -> None:
    if isinstance(expected, str):
        with pytest.raises(GuestwrightError) as caught:
            headers.conditions(Headers(given), endpoint(**more))
        assert caught.value.code == expected
    else:
        assert headers.conditions(Headers(given), endpoint(**more)) == expected


@pytest.mark.parametrize(
    ("known", "status"),
    [('"3"', 304), ('W/"3"', 304), ('"2", "3"', 304), ("*", 304), ('"2"', 200), ("", 200)],
)
def test_what_the_caller_has_is_not_sent_again(known: str, status: int) -> None:
    response = Response(b"body", headers={"ETag": '"3"'})
    told = headers.unless_known(Headers({"if-none-match": known}), response)
    assert (told.status_code, told.body) == (status, b"body" if status == 200 else b"")
