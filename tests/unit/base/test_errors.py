from __future__ import annotations

from guestwright.base.errors import GuestwrightError, UsageError
from guestwright.base.secret import Secret


class Sample(GuestwrightError):
    """A sample."""

    code = "test-sample"
    template = "{name} is not {expected}"
    hint = "give {expected}"


def test_message_and_hint_are_rendered() -> None:
    error = Sample(name="x", expected="y")
    assert error.message == "x is not y" == str(error)
    assert error.advice == "give y"
    assert error.as_dict() == {
        "code": "test-sample",
        "message": "x is not y",
        "hint": "give y",
        "params": {"name": "x", "expected": "y"},
    }


def test_hostile_text_is_escaped() -> None:
    error = Sample(name="a\nb\x1b[31m", expected=b"\xff\x00")
    assert error.message == "a\\x0ab\\x1b[31m is not \\xff\\x00"


def test_secret_never_shows() -> None:
    error = Sample(name=Secret("hunter2"), expected="y")
    assert "hunter2" not in str(error) + repr(error) + str(error.as_dict())


def test_usage_error_exits_with_2() -> None:
    assert UsageError(problem="no").exit_status == 2
