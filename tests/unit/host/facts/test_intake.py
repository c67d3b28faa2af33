"""Nothing that a guest writes gets past the gate unbounded."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.host.facts.intake import KEYS_MAX, PROBLEMS_MAX, TOTAL_MAX, VALUE_MAX, admit
from tests.support.hostile_stores import hostile, judge


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("data/x", b"v" * (VALUE_MAX + 1), "1025 bytes"),
        ("a/" * 8 + "b", b"", "deeper"),
        ("a/" * 2000, b"", "longer than"),
        ("data//x", b"", "no valid name"),
        ("data/../x", b"", "no valid name"),
        ("", b"", "no valid name"),
        ("data/" + "n" * 65, b"", "no valid name"),
        ("data/\x1b[2J", b"", "no valid name"),
    ],
)
def test_what_is_refused_is_told(path: str, value: bytes, problem: str) -> None:
    found = admit([(path, value), ("data/good", b"1")])
    assert dict(found.values) == {"data": "", "data/good": "1"}
    assert found.refused == 1
    assert problem in found.problems[0].problem
    assert found.problems[0].path.isprintable()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"caf\xc3\xa9", "café"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"a\nb\x1b[31m", "a\ufffdb\ufffd[31m"),
        ("\u202egnp.exe".encode(), "\ufffdgnp.exe"),
    ],
)
def test_values_are_one_line_that_prints(value: bytes, text: str) -> None:
    assert admit([("data/x", value)]).get("data/x") == text


def test_bytes_count_after_encoding_and_the_important_is_kept() -> None:
    flood = [(f"data/x{number}", b"\xff" * VALUE_MAX) for number in range(500)]
    found = admit([*flood, ("control/feature-sysprep", b"1")])
    assert found.get("control/feature-sysprep") == "1"
    assert sum(len(text.encode()) for text in found.values.values()) <= TOTAL_MAX
    assert found.refused > 400
    assert len(found.problems) == PROBLEMS_MAX


def test_an_endless_guest_is_cut_off() -> None:
    found = admit((f"data/x{number}", b"1") for number in range(10**6))
    assert len(found.values) <= KEYS_MAX
    assert found.problems[0].problem.startswith("more than")


def test_hostile_stores_do_no_harm() -> None:
    chance = random.Random(20)
    for _ in range(1500):
        judge(hostile(chance))


@given(st.lists(st.tuples(st.text(max_size=90), st.binary(max_size=90)), max_size=20))
@settings(max_examples=100, deadline=None)
def test_any_store_at_all(raw: list[tuple[str, bytes]]) -> None:
    judge(raw)
