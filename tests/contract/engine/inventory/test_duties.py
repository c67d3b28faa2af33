"""What one engine at a time does: whose it is, and how far it is."""

from __future__ import annotations

import threading

from guestwright.engine.inventory import duties
from guestwright.engine.inventory.database import Database

OVER = -1.0  # seconds, so that anybody may take it


def take(database: Database, owner: str, seconds: float = 60.0) -> bool:
    with database.write() as tx:
        return duties.take(tx, "lead", owner, seconds)


def test_one_has_it_until_its_time_is_over(database: Database) -> None:
    assert take(database, "a")
    assert not take(database, "b")
    assert take(database, "a", OVER)
    assert take(database, "b")
    assert not take(database, "a")


def test_who_gives_it_back_has_it_no_more(database: Database) -> None:
    assert take(database, "a")
    with database.write() as tx:
        duties.leave(tx, "lead", "b")  # not its own
    assert not take(database, "b")
    with database.write() as tx:
        duties.leave(tx, "lead", "a")
    assert take(database, "b")


def test_of_many_who_ask_at_once_one_gets_it(database: Database) -> None:
    got: list[str] = []

    def ask(owner: str) -> None:
        if take(database, owner):
            got.append(owner)

    threads = [threading.Thread(target=ask, args=(str(number),)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(got) == 1


def test_a_place_is_moved_by_who_knows_it(database: Database) -> None:
    with database.write() as tx:
        assert duties.place(tx, "news") == ""
        assert duties.move(tx, "news", "", "1")
        assert not duties.move(tx, "news", "", "2")
        assert duties.move(tx, "news", "1", "3")
    assert take(database, "a")
    with database.read() as tx:
        assert duties.place(tx, "news") == "3"
        assert duties.place(tx, "lead") == ""
