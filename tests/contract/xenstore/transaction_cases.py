"""Contract of the client: transactions. Plain functions; see `run`."""

from __future__ import annotations

import threading

from guestwright.xenstore.client.errors import Closed, Conflict, NoSuchPath
from guestwright.xenstore.client.tree import Tree
from tests.contract.xenstore.world import World, refused


def case_commit(world: World) -> None:
    with world.client() as store, world.client() as other:
        with store.transaction() as inside:
            inside.write(world.path("a"), "1")
            inside.mkdir(world.path("b"))
            assert inside.read(world.path("a")) == b"1"
            assert not store.exists(world.path("a"))
            assert not other.exists(world.path("a"))
        assert other.read(world.path("a")) == b"1"
        assert sorted(other.children(world.base)) == ["a", "b"]


def case_an_exception_aborts(world: World) -> None:
    def fail() -> None:
        with store.transaction() as inside:
            inside.write(world.path("a"), "1")
            raise LookupError

    with world.client() as store:
        refused(LookupError, fail)
        assert not store.exists(world.path("a"))


def case_abort(world: World) -> None:
    with world.client() as store:
        with store.transaction() as inside:
            inside.write(world.path("a"), "1")
            inside.abort()
            refused(Closed, lambda: inside.read(world.base))
        assert not store.exists(world.path("a"))


def case_a_refusal_inside_leaves_the_transaction(world: World) -> None:
    with world.client() as store:
        with store.transaction() as inside:
            inside.write(world.path("a"), "1")
            refused(NoSuchPath, lambda: inside.read(world.path("missing")))
            inside.write(world.path("b"), "2")
        assert store.read(world.path("b")) == b"2"


def case_conflict(world: World) -> None:
    path = world.path("counter")

    def lose() -> None:
        with store.transaction() as inside:
            inside.write(path, inside.read(path) + b"+")
            other.write(path, "changed")

    with world.client() as store, world.client() as other:
        store.write(path, "0")
        refused(Conflict, lose)
        assert store.read(path) == b"changed"


def case_attempts(world: World) -> None:
    path = world.path("counter")
    with world.client() as store, world.client() as other:
        store.write(path, "0")
        rounds = 0
        for attempt in store.attempts(5):
            with attempt as inside:
                rounds += 1
                value = int(inside.read(path))
                if rounds < 3:
                    other.write(path, str(value + 10))
                inside.write(path, str(value + 1))
        assert rounds == 3
        assert store.read(path) == b"21"


def case_attempts_end(world: World) -> None:
    path = world.path("counter")

    def work(inside: Tree) -> None:
        value = int(inside.read(path))
        other.write(path, str(value + 10))
        inside.write(path, str(value + 1))

    with world.client() as store, world.client() as other:
        store.write(path, "0")
        error = refused(Conflict, lambda: store.transact(work, most=3))
        assert isinstance(error, Conflict)
        assert error.params["attempts"] == 3
        assert store.read(path) == b"30"


def case_counting_together(world: World) -> None:
    path = world.path("counter")
    failures: list[BaseException] = []

    def count() -> None:
        try:
            with world.client() as mine:
                for _ in range(10):
                    mine.transact(
                        lambda inside: inside.write(path, str(int(inside.read(path)) + 1)), most=500
                    )
        except BaseException as error:
            failures.append(error)
            raise

    with world.client() as store:
        store.write(path, "0")
        threads = [threading.Thread(target=count) for _ in range(3)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert not failures
        assert store.read(path) == b"30"


def case_two_at_once_on_one_connection(world: World) -> None:
    with world.client() as store:
        store.mkdir(world.path("x"))
        store.mkdir(world.path("y"))
        with store.transaction() as first, store.transaction() as second:
            first.write(world.path("x"), "1")
            second.write(world.path("y"), "2")
            assert first.read(world.path("x")) == b"1"
            assert second.read(world.path("x")) == b""
        assert store.read(world.path("x")) == b"1"
        assert store.read(world.path("y")) == b"2"
