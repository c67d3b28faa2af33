"""Messages between the lab's host and its machines survive the noise of a console."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.xen.inside.wire import decode, encode


@given(st.binary(), st.text(), st.integers())
def test_a_message_comes_back_on_one_line(data: bytes, text: str, number: int) -> None:
    message: dict[str, Any] = {"data": data, "text": text, "id": number}
    before, line, after = encode(message).split(b"\n")
    assert (before, after) == (b"", b"")
    assert decode(line) == message


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"[    1.0] a kernel's message", id="noise"),
        pytest.param(encode({"id": 1})[1:9], id="cut"),
        pytest.param(b"@lab [1]", id="no-object"),
        pytest.param(b"", id="empty"),
    ],
)
def test_noise_is_no_message(line: bytes) -> None:
    assert decode(line) is None


def test_a_message_may_follow_something_else_on_its_line() -> None:
    assert decode(b"Password: " + encode({"id": 7}).strip()) == {"id": 7}
