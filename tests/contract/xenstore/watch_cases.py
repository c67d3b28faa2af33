"""Contract of the client: watches, waiting, threads. Plain functions; see `run`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from guestwright.xenstore.client.errors import Closed, InvalidRequest, TimedOut
from tests.contract.xenstore.world import PATIENCE, World, quiet, refused, until


def later(work: Callable[[], object]) -> threading.Timer:
    """Do something in a moment, in another thread."""
    timer = threading.Timer(0.05, work)
    timer.start()
    return timer


def case_the_first_event_comes_at_once(world: World) -> None:
    with world.client() as store, store.watch(world.path("missing")) as watch:
        event = watch.get(PATIENCE)
        assert (event.path, event.watched, event.missed) == (
            world.path("missing"),
            world.path("missing"),
            False,
        )


def case_events(world: World) -> None:
    with world.client() as store, world.client() as other, store.watch(world.base) as watch:
        quiet(watch, world.base)
        changes: list[Callable[[], object]] = [
            lambda: other.write(world.path("a/b"), "1"),
            lambda: store.write(world.path("a/b"), "2"),
            lambda: other.set_perms(world.path("a/b"), other.get_perms(world.path("a/b"))),
            lambda: other.rm(world.path("a/b")),
            lambda: other.mkdir(world.path("a/b")),
        ]
        for change in changes:
            change()
            until(watch, world.path("a/b"))
        other.rm(world.path("a"))
        until(watch, world.path("a"))


def case_events_of_transactions_come_at_the_end(world: World) -> None:
    with world.client() as store, world.client() as other, store.watch(world.base) as watch:
        quiet(watch, world.base)
        with other.transaction() as inside:
            inside.write(world.path("a"), "1")
            refused(TimedOut, lambda: watch.get(0.05))
        until(watch, world.path("a"))


def case_the_way_the_path_was_spelt(world: World) -> None:
    with world.client() as store:
        home = "/local/domain/0" if world.privileged else "/local/domain/" + store.read_text("domid")
        names = ("guestwright-relative",) if world.privileged else (world.path("node"),)
        try:
            with store.watch(names[0], f"{home}/{names[0]}") as watch:
                quiet(watch, names[0], f"{home}/{names[0]}")
                store.write(names[0], "1")
                found = {watch.get(PATIENCE).path, watch.get(PATIENCE).path}
                assert found == {names[0], f"{home}/{names[0]}"}
        finally:
            store.rm(names[0])
            if world.privileged and store.children(home) == []:
                store.rm("/local")


def case_removal_is_seen_below(world: World) -> None:
    with world.client() as store, store.watch(world.path("a/b")) as watch:
        quiet(watch, world.path("a/b"))
        store.write(world.path("a/b"), "1")
        until(watch, world.path("a/b"))
        store.rm(world.path("a"))
        assert watch.get(PATIENCE).watched == world.path("a/b")


def case_several_paths(world: World) -> None:
    with world.client() as store, store.watch(world.path("a"), world.path("b")) as watch:
        quiet(watch, world.path("a"), world.path("b"))
        store.write(world.path("b/c"), "1")
        event = until(watch, world.path("b/c"))
        assert event.watched == world.path("b")


def case_two_watches_of_one_path(world: World) -> None:
    with world.client() as store, store.watch(world.base) as one:
        with store.watch(world.base) as two:
            quiet(one, world.base)
            quiet(two, world.base)
            store.write(world.path("a"), "1")
            until(one, world.path("a"))
            until(two, world.path("a"))
        store.write(world.path("b"), "1")
        until(one, world.path("b"))


def case_special_watches(world: World) -> None:
    with world.client() as store, store.watch("@releaseDomain", "@introduceDomain") as watch:
        quiet(watch, "@releaseDomain", "@introduceDomain")


def case_an_invalid_path_is_refused(world: World) -> None:
    with world.client() as store:
        refused(InvalidRequest, lambda: store.watch(world.base, world.path("no good")))
        store.write(world.path("a"), "1")


def case_nothing_after_the_end(world: World) -> None:
    with world.client() as store:
        watch = store.watch(world.base)
        quiet(watch, world.base)
        watch.close()
        watch.close()
        store.write(world.path("a"), "1")
        refused(Closed, watch.get)
        with store.watch(world.base) as again:
            assert again.get(PATIENCE).path == world.base


def case_no_event_in_time(world: World) -> None:
    with world.client() as store, store.watch(world.base) as watch:
        quiet(watch, world.base)
        before = time.monotonic()
        refused(TimedOut, lambda: watch.get(0.1))
        assert 0.09 < time.monotonic() - before < PATIENCE
        store.write(world.path("a"), "1")
        until(watch, world.path("a"))


def case_closing_wakes_who_waits(world: World) -> None:
    with world.client() as store, store.watch(world.base) as watch:
        quiet(watch, world.base)
        timer = later(watch.close)
        refused(Closed, watch.get)
        timer.join()
        assert store.children(world.base) == []


def case_closing_the_client_wakes_who_waits(world: World) -> None:
    store = world.client()
    watch = store.watch(world.base)
    quiet(watch, world.base)
    timer = later(store.close)
    refused(Closed, watch.get)
    timer.join()


def case_reset(world: World) -> None:
    with world.client() as store:
        watch = store.watch(world.base)
        quiet(watch, world.base)
        store.reset()
        refused(Closed, watch.get)
        with store.watch(world.base) as again:
            quiet(again, world.base)
            store.write(world.path("a"), "1")
            until(again, world.path("a"))


def case_wait_until(world: World) -> None:
    path = world.path("state")
    with world.client() as store, world.client() as other:
        assert store.wait_until(path, lambda value: value is None, 1) is None

        def answer() -> None:
            other.write(path, "no")
            other.write(path, "yes")

        timer = later(answer)
        assert store.wait_until(path, lambda value: value == b"yes", PATIENCE) == b"yes"
        timer.join()
        refused(TimedOut, lambda: store.wait_until(path, lambda value: value == b"never", 0.1))


def case_many_threads_on_one_connection(world: World) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for count in range(20):
                store.write(world.path(f"t{number}"), f"{number} {count}")
                assert store.read(world.path(f"t{number}")) == f"{number} {count}".encode()
        except BaseException as error:
            failures.append(error)
            raise

    with world.client() as store, store.watch(world.base) as watch:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for one in threads:
            one.start()
        for number in range(6):
            until(watch, world.path(f"t{number}")) if number == 0 else None
        for one in threads:
            one.join()
        assert not failures
        assert sorted(store.children(world.base)) == [f"t{number}" for number in range(6)]


def case_many_watches(world: World) -> None:
    with world.client() as store:
        watches = [store.watch(world.path(f"n{number}")) for number in range(60)]
        store.write(world.path("n37"), "1")
        quiet(watches[37], world.path("n37"))
        until(watches[37], world.path("n37"))
        for one in watches:
            one.close()
        assert store.read(world.path("n37")) == b"1"


def case_two_threads_wait_for_one_watch(world: World) -> None:
    found: list[str] = []
    with world.client() as store, store.watch(world.path("a"), world.path("b")) as watch:
        quiet(watch, world.path("a"), world.path("b"))
        threads = [threading.Thread(target=lambda: found.append(watch.get(PATIENCE).path)) for _ in range(2)]
        for one in threads:
            one.start()
        store.write(world.path("a"), "1")
        store.write(world.path("b"), "1")
        for one in threads:
            one.join()
        assert sorted(found) == [world.path("a"), world.path("b")]
