"""What can be a job."""

from __future__ import annotations

from typing import Any

import pytest

from guestwright.engine.jobs.errors import BadDurableJob, NoSuchDurableKind
from guestwright.engine.jobs.jobs import Jobs, catalogue
from guestwright.engine.jobs.memory_book import MemoryBook
from guestwright.engine.jobs.model import JSON_MAX, KEY_MAX, Context, Kind, Step, encode


def nothing(context: Context) -> None:
    del context


KIND = Kind(name="test", version=1, steps=(Step(name="a", run=nothing),))


@pytest.mark.parametrize(
    "value", [{"a": b"x"}, float("nan"), "x" * JSON_MAX], ids=["bytes", "not-a-number", "too-large"]
)
def test_what_is_no_json_makes_no_job(value: Any) -> None:
    jobs = Jobs(MemoryBook(), [KIND])
    with pytest.raises(BadDurableJob):
        jobs.submit("test", {"value": value})
    assert jobs.find() == []


def test_text_is_the_same_whatever_the_order() -> None:
    assert (
        encode("test", {"b": 1, "a": [None]}) == encode("test", {"a": [None], "b": 1}) == '{"a":[null],"b":1}'
    )


def test_unknown_work_and_long_keys_are_refused() -> None:
    jobs = Jobs(MemoryBook(), [KIND])
    with pytest.raises(NoSuchDurableKind):
        jobs.submit("other", {})
    with pytest.raises(BadDurableJob):
        jobs.submit("test", {}, key="k" * (KEY_MAX + 1))


def test_the_newest_version_is_submitted() -> None:
    newer = Kind(name="test", version=2, steps=KIND.steps)
    assert Jobs(MemoryBook(), [newer, KIND]).submit("test", {}).version == 2


@pytest.mark.parametrize(
    "kinds",
    [[KIND, KIND], [Kind(name="test", version=1, steps=KIND.steps * 2)]],
    ids=["kind-twice", "step-twice"],
)
def test_a_catalogue_has_nothing_twice(kinds: list[Kind]) -> None:
    with pytest.raises(ValueError, match="twice"):
        catalogue(kinds)
