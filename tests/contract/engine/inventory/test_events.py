"""The stream: in the order of the commits, resumed anywhere, honest about what is missing."""

from __future__ import annotations

import threading

import pytest

from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import BadResumeToken
from tests.support.engine_databases import Makes


def tell(database: Database, *subjects: str, kind: str = "thing-changed") -> None:
    with database.write() as tx:
        for one in subjects:
            tx.tell(kind, one, {"n": one})


def test_a_reader_goes_on_where_it_was(database: Database) -> None:
    tell(database, "a", "b", "c")
    with database.read() as tx:
        first = tx.events.after("", most=2)
        assert [one.subject for one in first.events] == ["a", "b"]
        assert first.more
        second = tx.events.after(first.token)
    assert [(one.sequence, one.subject, one.body) for one in second.events] == [(3, "c", {"n": "c"})]
    assert not second.more
    assert not second.missed
    tell(database, "d")
    with database.read() as tx:
        assert [one.subject for one in tx.events.after(second.token).events] == ["d"]
        assert tx.events.token == tx.events.after("").token


def test_only_what_is_wanted_and_the_token_passes_the_rest(database: Database) -> None:
    tell(database, "a", "b", "a")
    tell(database, "a", kind="other")
    with database.read() as tx:
        found = tx.events.after("", subjects=["a"], kinds=["thing-changed"])
        assert [one.sequence for one in found.events] == [1, 3]
        assert found.token.endswith(".4")
        assert tx.events.after("", subjects=["b"]).events[0].sequence == 2


def test_what_was_pruned_is_missed(database: Database) -> None:
    tell(database, *"abcdef")
    with database.write() as tx:
        start = tx.events.after("", most=2).token
        current = tx.events.after("", most=4).token
        assert tx.events.prune(keep=2) == 4
    with database.read() as tx:
        assert tx.events.after(start).missed
        assert [one.subject for one in tx.events.after(start).events] == ["e", "f"]
        assert not tx.events.after(current).missed
        assert not tx.events.after("").missed
    with database.write() as tx:
        tx.events.prune(keep=0)
    with database.read() as tx:
        assert tx.events.after(current).missed
        assert not tx.events.after(tx.events.token).missed


def test_a_token_of_another_database_means_that_anything_was_missed(database: Database, makes: Makes) -> None:
    tell(database, "a")
    with Database(makes.empty(), clock=lambda: 1.0) as other:
        tell(other, "x", "y")
        with other.read() as tx:
            strange = tx.events.token
    with database.read() as tx:
        ahead = tx.events.token.rpartition(".")[0] + ".99"
        for token in (strange, ahead):
            batch = tx.events.after(token)
            assert batch.missed
            assert [one.subject for one in batch.events] == ["a"]


@pytest.mark.parametrize(
    "token", ["1", ".1", "a.", "a.b", "a.01", "A.1", "a.1.2", "a.-1", "a." + "9" * 19, "a.1\n"]
)
def test_what_is_no_token(database: Database, token: str) -> None:
    with database.read() as tx, pytest.raises(BadResumeToken):
        tx.events.after(token)


def test_nothing_ever_shows_up_behind_what_was_read(database: Database, url: str) -> None:
    """Four writers with connections of their own, one reader that must see every number in turn."""
    total = 4 * 15
    done = threading.Event()

    def write(name: str) -> None:
        with Database(url, clock=lambda: 1.0, connections=1) as own:
            for number in range(15):
                tell(own, f"{name}{number}", f"{name}{number}'")

    def follow() -> list[int]:
        token = ""
        seen: list[int] = []
        while True:
            over = done.is_set()  # before the look: what is committed after it is for the next one
            with database.read() as tx:
                batch = tx.events.after(token, most=7)
            assert not batch.missed
            token = batch.token
            seen += [one.sequence for one in batch.events]
            if over and not batch.events:
                return seen

    writers = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    found: list[list[int]] = []
    reader = threading.Thread(target=lambda: found.append(follow()))
    for one in (*writers, reader):
        one.start()
    for one in writers:
        one.join(200)
    done.set()
    reader.join(200)
    assert found == [list(range(1, 2 * total + 1))]
