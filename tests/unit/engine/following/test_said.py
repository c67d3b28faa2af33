"""What is taken of what hosts say."""

from __future__ import annotations

import math
from typing import Any

import pytest

from guestwright.engine.following.domains import power_of
from guestwright.engine.following.said import Known, Volume, moment
from guestwright.engine.following.tally import Tally
from guestwright.engine.inventory.errors import DatabaseBusy, NotInInventory

DOMAIN: dict[str, Any] = {"uuid": "0c6f5c5e-7a3a-4a43-9e0e-2f1f3f3d9a01", "name": "web1", "state": "running"}
KNOWN: dict[str, Any] = {"domain": DOMAIN, "power": "running", "agent": None, "since": 1.0, "later": {}}


def test_fields_that_are_not_known_are_left_out() -> None:
    found = Tally("one").read("domain", KNOWN, Known)
    assert found is not None
    assert found.domain.name == "web1"
    assert power_of(found) == "running"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="a list"),
        pytest.param({**KNOWN, "power": "exploding"}, id="power"),
        pytest.param({**KNOWN, "domain": {**DOMAIN, "uuid": "../../etc"}}, id="uuid"),
        pytest.param({**KNOWN, "domain": {**DOMAIN, "name": ""}}, id="no name"),
        pytest.param({**KNOWN, "domain": {**DOMAIN, "name": "x" * 256}}, id="long name"),
        pytest.param({**KNOWN, "domain": {**DOMAIN, "memory_maximum": -1}}, id="memory"),
        pytest.param({**KNOWN, "domain": {**DOMAIN, "memory_maximum": 1 << 63}}, id="much memory"),
        pytest.param({**KNOWN, "domain": {**DOMAIN, "vcpus": 1 << 40}}, id="processors"),
        pytest.param({**KNOWN, "domain": {**DOMAIN, "nics": [{"mac": "no"}]}}, id="address"),
        pytest.param({**KNOWN, "agent": {"state": "sleepy"}}, id="agent"),
    ],
)
def test_what_has_another_shape_is_refused_and_counted(value: Any) -> None:
    tally = Tally("one")
    assert tally.read("domain", value, Known) is None
    assert tally.figures() == {"refused-domain": 1}


def test_one_that_is_refused_keeps_no_other_back() -> None:
    good = {"id": "v1", "kind": "leaf", "state": "legal", "format": "raw", "size": 512}
    tally = Tally("one")
    found = list(tally.all_of("volume", [{}, good, {**good, "id": "../x"}, {**good, "id": "v2"}], Volume))
    assert [one.id for one in found] == ["v1", "v2"]
    assert tally.figures() == {"refused-volume": 2}


def test_lines_of_the_log_are_few(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    tally = Tally("one", clock=lambda: now[0])
    for _ in range(100):
        tally.refused("fact", "bad\nline")
    assert len(caplog.records) == 20
    assert "\n" not in caplog.records[0].getMessage()
    now[0] = 61.0
    tally.refused("fact", "again")
    assert len(caplog.records) == 21
    assert tally.figures() == {"refused-fact": 101}


def test_a_database_that_is_away_is_no_refusal() -> None:
    tally = Tally("one")

    def take(error: Exception) -> None:
        with tally.taking("vm"):
            raise error

    take(NotInInventory(what="vm", id="x"))
    with pytest.raises(DatabaseBusy):
        take(DatabaseBusy(database="d", problem="p"))
    assert tally.figures() == {"refused-vm": 1}


@pytest.mark.parametrize(
    ("told", "taken"),
    [(50.0, 50.0), (150.0, 100.0), (0.0, 100.0), (-1.0, 100.0), (math.nan, 100.0), (math.inf, 100.0)],
)
def test_a_clock_that_is_ahead_is_not_believed(told: float, taken: float) -> None:
    assert moment(told, 100.0) == taken
