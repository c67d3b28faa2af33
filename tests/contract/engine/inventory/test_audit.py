"""The audit log."""

from __future__ import annotations

from guestwright.engine.inventory.choices import Outcome
from guestwright.engine.inventory.database import Database
from tests.support.engine_databases import Clock


def test_lines_are_read_from_the_newest(database: Database, clock: Clock) -> None:
    for number in range(5):
        clock.now += 1
        with database.write() as tx:
            tx.audit.write("login", actor="ann" if number % 2 else "bob", remote="::1", detail={"n": number})
    with database.read() as tx:
        lines = tx.audit.lines(most=3)
        assert [one.detail["n"] for one in lines] == [4, 3, 2]
        assert [one.detail["n"] for one in tx.audit.lines(before=lines[-1].number)] == [1, 0]
        assert [one.detail["n"] for one in tx.audit.lines(actor="ann")] == [3, 1]
        assert lines[0].outcome is Outcome.DONE
        assert lines[0].at == clock.now


def test_what_callers_choose_is_cut_and_printable(database: Database) -> None:
    with database.write() as tx:
        tx.audit.write("login", actor="a\x1b[2J\0\ud800" + "x" * 500, subject="s\n", outcome=Outcome.DENIED)
        (line,) = tx.audit.lines()
        assert line.actor.startswith("a\\x1b[2J\\x00\\ud800xx")
        assert len(line.actor) < 300
        assert line.subject == "s\\x0a"
        assert tx.audit.lines(subject="s\n") == (line,)


def test_old_lines_go(database: Database, clock: Clock) -> None:
    with database.write() as tx:
        tx.audit.write("login", actor="ann")
        assert tx.audit.prune(older=clock.now) == 0
        assert tx.audit.prune(older=clock.now + 1) == 1
