from __future__ import annotations

from typing import Any

import pytest

from guestwright.cli.engine.guest.said import said

NESTED: Any = "x"
for _ in range(50):
    NESTED = {"a": [NESTED]}


@pytest.mark.parametrize(
    ("fact", "value", "lines"),
    [
        pytest.param("boot", "up", ["up"], id="a word"),
        pytest.param("published", True, ["yes"], id="a truth"),
        pytest.param(
            "memory", {"free": 1024, "total": 2048}, ["free 1.0 MiB, total 2.0 MiB"], id="kibibytes"
        ),
        pytest.param(
            "system",
            {"name": "Debian", "minor": "", "distro": "debian"},
            ["name Debian, distro debian"],
            id="object",
        ),
        pytest.param(
            "nics",
            [
                {"name": "eth0", "addresses": [{"address": "192.0.2.1", "prefix": 24}], "carrier": None},
                {"name": "eth1", "addresses": [], "up": False},
            ],
            ["name eth0, addresses (address 192.0.2.1, prefix 24)", "name eth1"],
            id="one line each",
        ),
        pytest.param("nics", [], [""], id="none"),
        pytest.param("nics", [1, {"name": "x"}], ["1", "name x"], id="mixed"),
        pytest.param("x", None, [""], id="nothing"),
    ],
)
def test_what_is_said(fact: str, value: Any, lines: list[str]) -> None:
    assert said(fact, value) == lines


def test_depth_is_bounded() -> None:
    (line,) = said("x", NESTED)
    assert len(line) < 3000
