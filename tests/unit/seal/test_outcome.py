"""Outcomes: JSON and back; everything else is refused with one kind of error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.seal import outcome
from guestwright.seal.changes import Severity
from guestwright.seal.outcome import Outcome, Result
from guestwright.seal.plan import Action, ActionKind, GuestFacts, Status

GUEST = GuestFacts(
    os="Debian", family="debian", version="12", init="systemd", hostname="h\udc80", selinux="not in use",
    root="disk0/p1", mounts=(("/", "disk0/p1"),), driver="",
)  # fmt: skip
_NAMES = st.text(max_size=20)
_ACTIONS = st.builds(
    Action,
    kind=st.sampled_from(ActionKind),
    path=_NAMES,
    files=st.integers(0, 1 << 40),
    directories=st.integers(0, 5),
    size=st.integers(0, 1 << 63),
    detail=_NAMES,
    reason=_NAMES,
    severity=st.sampled_from(Severity),
    sha256=_NAMES,
)
_RESULTS = st.builds(
    Result,
    name=_NAMES,
    status=st.sampled_from(Status),
    why=_NAMES,
    actions=st.lists(_ACTIONS, max_size=4).map(tuple),
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)


@given(st.lists(_RESULTS, max_size=4).map(tuple), st.lists(_NAMES, max_size=3).map(tuple))
def test_round_trip(results: tuple[Result, ...], notes: tuple[str, ...]) -> None:
    told = Outcome(results=results, guest=GUEST, notes=notes)
    assert outcome.from_json(json.loads(json.dumps(outcome.to_json(told)))) == told


@given(_JSON)
def test_any_json(value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        outcome.from_json(value)


def good() -> Any:
    action = Action(kind=ActionKind.REMOVE, path="/x", files=1, size=5)
    result = Result(name="tmp-files", status=Status.CHANGED, actions=(action,))
    return outcome.to_json(Outcome(results=(result,), guest=GUEST))


def _set(value: Any, keys: tuple[Any, ...], new: Any) -> Any:
    inner = value
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = new
    return value


@pytest.mark.parametrize(
    ("keys", "new"),
    [
        (("results",), 5),
        (("results", 0), ["a"]),
        (("results", 0, 0), 1),
        (("results", 0, 1), "done"),
        (("results", 0, 1), []),
        (("results", 0, 2), None),
        (("results", 0, 3), 7),
        (("results", 0, 3, 0), []),
        (("results", 0, 3, 0, "kind"), "explode"),
        (("results", 0, 3, 0, "severity"), 3),
        (("results", 0, 3, 0, "path"), 3),
        (("results", 0, 3, 0, "size"), -1),
        (("results", 0, 3, 0, "size"), 1 << 64),
        (("results", 0, 3, 0, "files"), True),
        (("results", 0, 3, 0, "more"), "x"),
        (("guest",), []),
        (("guest", "os"), 1),
        (("guest", "mounts"), [["/"]]),
        (("guest", "mounts"), [[1, 2]]),
        (("notes",), None),
        (("notes",), [1]),
    ],
)
def test_one_field_wrong(keys: tuple[Any, ...], new: Any) -> None:
    assert outcome.from_json(json.loads(json.dumps(good()))).results[0].actions[0].path == "/x"
    with pytest.raises(ValueError, match=r"."):
        outcome.from_json(_set(json.loads(json.dumps(good())), keys, new))
