"""Sizes, JSON on request, and the bar that shows on terminals only."""

from __future__ import annotations

import io
import sys

import pytest

from guestwright.base.progress import Step
from guestwright.cli.output import Bar, human, wants_json


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


STEP = Step(name="operation", done=1, total=2, text="logfiles")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (5 << 20, "5.0 MiB"),
        (3 << 40, "3.0 TiB"),
        (1 << 60, "1048576.0 TiB"),
    ],
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert human(size) == text


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["guestwright", "seal", "run", "--json", "x"], True),
        (["guestwright", "seal", "run", "x"], False),
        (["guestwright", "seal", "run", "--", "--json"], False),
        (["guestwright", "seal", "run", "a--json"], False),
    ],
)
def test_whether_json_is_wanted(words: list[str], wanted: bool) -> None:
    assert wants_json(words) is wanted


def test_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    bar = Bar()
    bar(STEP)
    assert "logfiles" in screen.getvalue()
    bar.close()
    assert screen.getvalue().endswith("\r\x1b[K")
    shown = screen.getvalue()
    bar.close()
    assert screen.getvalue() == shown


@pytest.mark.parametrize(("quiet", "screen"), [(True, Terminal()), (False, io.StringIO())])
def test_no_bar(monkeypatch: pytest.MonkeyPatch, quiet: bool, screen: io.StringIO) -> None:
    monkeypatch.setattr(sys, "stderr", screen)
    bar = Bar(quiet=quiet)
    bar(STEP)
    bar.close()
    assert screen.getvalue() == ""
