"""Lines of audit: one for each thing, whatever becomes of it."""

from __future__ import annotations

import itertools

import pytest

from guestwright.host.acting.audit import Actor, AuditLine, audited
from guestwright.host.acting.errors import CallEnded


def actor(lines: list[AuditLine]) -> Actor:
    clock = itertools.count(100)
    return Actor(who="anna", domain="d", audit=lines.append, clock=lambda: float(next(clock)))


def test_done_failed_and_interrupted() -> None:
    lines: list[AuditLine] = []
    one = actor(lines)
    with audited(one, "exec", "/bin/x\n\x1b[2J" + "y" * 1000) as outcome:
        outcome.detail = "exit 0"
    with pytest.raises(CallEnded), audited(one, "exec", "/bin/x"):
        raise CallEnded(domain="d", reason="by\nanna")
    with pytest.raises(KeyboardInterrupt), audited(one, "exec", "/bin/x"):
        raise KeyboardInterrupt
    assert [line.outcome for line in lines] == ["done", "host-call-ended", "interrupted"]
    assert lines[0].detail == "exit 0"
    assert (lines[0].at, lines[0].seconds) == (100.0, 1.0)
    assert lines[0].subject.startswith("/bin/x\\x0a\\x1b[2J")
    assert len(lines[0].subject) == 300
    assert lines[1].detail == "the call to d was ended: by\\x0aanna"
