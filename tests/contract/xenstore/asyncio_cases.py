"""Contract of the client: asyncio. Plain functions; see `run`."""

from __future__ import annotations

import asyncio

from guestwright.xenstore.client.aio.client import AsyncClient
from guestwright.xenstore.client.aio.tree import AsyncTree
from guestwright.xenstore.client.errors import Closed, Conflict, InvalidRequest, NoSuchPath, TimedOut
from tests.contract.xenstore.world import PATIENCE, World, run


def case_async_nodes(world: World) -> None:
    async def work() -> None:
        async with world.asynchronous() as store:
            path = world.path("node")
            await store.write(path, "1")
            assert await store.read(path) == b"1"
            assert await store.read_text(path) == "1"
            assert await store.children(world.base) == ["node"]
            assert await store.exists(path)
            perms = await store.get_perms(path)
            await store.set_perms(path, perms)
            assert [one.path for one in await store.tree(world.base)] == [world.base, path]
            await store.rm(path)
            assert await store.get(path) is None
            await store.mkdir(path)
            try:
                await store.read(world.path("missing"))
            except NoSuchPath:
                return
            raise AssertionError("no NoSuchPath was raised")

    run(work)


def case_async_many_at_once(world: World) -> None:
    async def work() -> None:
        async with world.asynchronous() as store:
            await asyncio.gather(*[store.write(world.path(f"n{n}"), str(n)) for n in range(60)])
            values = await asyncio.gather(*[store.read(world.path(f"n{n}")) for n in range(60)])
            assert values == [str(n).encode() for n in range(60)]

    run(work)


def case_async_transactions(world: World) -> None:
    path = world.path("counter")

    async def increment(inside: AsyncTree) -> None:
        await inside.write(path, str(int(await inside.read(path)) + 1))

    async def work() -> None:
        async with world.asynchronous() as store, world.asynchronous() as other:
            await store.write(path, "0")
            async with store.transaction() as inside:
                await increment(inside)
                assert await other.read(path) == b"0"
            assert await other.read(path) == b"1"
            await asyncio.gather(*[one.transact(increment, most=500) for one in (store, other) * 5])
            assert await other.read(path) == b"11"
            try:
                async with store.transaction() as inside:
                    await increment(inside)
                    await other.write(path, "x")
            except Conflict:
                return
            raise AssertionError("no Conflict was raised")

    run(work)


def case_async_abort(world: World) -> None:
    async def work() -> None:
        async with world.asynchronous() as store:
            try:
                async with store.transaction() as inside:
                    await inside.write(world.path("a"), "1")
                    [].pop()
            except IndexError:
                assert not await store.exists(world.path("a"))

    run(work)


def case_async_watch(world: World) -> None:
    async def work() -> None:
        async with (
            world.asynchronous() as store,
            world.asynchronous() as other,
            store.watch(world.base) as events,
        ):
            first = await anext(events)
            assert (first.path, first.missed) == (world.base, False)
            await other.write(world.path("a"), "1")
            async for event in events:
                if event.path == world.path("a"):
                    break

    run(work)


def case_async_timeouts(world: World) -> None:
    async def work() -> None:
        async with world.asynchronous() as store, store.watch(world.base) as events:
            await events.get()
            for waiting in (events.get(0.05), store.wait_until(world.path("a"), bool, 0.05)):
                try:
                    await waiting
                except TimedOut:
                    continue
                raise AssertionError("no TimedOut was raised")
            await store.write(world.path("a"), "1")
            assert await store.wait_until(world.path("a"), bool, PATIENCE) == b"1"

    run(work)


def case_async_cancellation(world: World) -> None:
    async def wait_for_event(store: AsyncClient) -> None:
        async with store.watch(world.base) as events:
            while True:
                await events.get()

    async def change_and_wait(store: AsyncClient) -> None:
        async with store.transaction() as inside:
            await inside.write(world.path("a"), "1")
            await asyncio.sleep(PATIENCE)

    async def work() -> None:
        async with world.asynchronous() as store:
            tasks = [asyncio.create_task(one(store)) for one in (wait_for_event, change_and_wait)]
            await asyncio.sleep(0.05)
            for one in tasks:
                one.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(one, asyncio.CancelledError) for one in results)
            # cancelled while it is being sent, or while the answer is awaited
            cut = [asyncio.create_task(store.write(world.path("b"), "1")) for _ in range(20)]
            await asyncio.sleep(0)
            for one in cut:
                one.cancel()
            await asyncio.gather(*cut, return_exceptions=True)
            assert not await store.exists(world.path("a"))

    run(work)


def case_async_close_wakes(world: World) -> None:
    async def work() -> None:
        store = await world.asynchronous().__aenter__()
        async with store.watch(world.base) as events:
            await events.get()
            task = asyncio.create_task(events.get())
            await asyncio.sleep(0.02)
            store.close()
            try:
                await task
            except Closed:
                return
            raise AssertionError("no Closed was raised")

    run(work)


def case_threads_and_asyncio_share_a_connection(world: World) -> None:
    with world.client() as store:

        async def work() -> None:
            async with AsyncClient(connection=store.connection) as same, same.watch(world.base) as events:
                await events.get()
                for number in range(20):
                    path = world.path(f"n{number}")
                    _, _, value = await asyncio.gather(
                        asyncio.to_thread(store.write, path, "1"),
                        same.mkdir(world.path("other")),
                        asyncio.to_thread(store.get, world.path("missing")),
                    )
                    assert value is None
                    assert await same.read(path) == b"1"
                await events.get()

        run(work)
        assert len(store.children(world.base)) == 21


def case_async_two_tasks_wait_for_one_watch(world: World) -> None:
    async def work() -> None:
        async with world.asynchronous() as store, store.watch(world.path("a"), world.path("b")) as events:
            await events.get()
            await events.get()
            waiting = [asyncio.create_task(events.get()) for _ in range(2)]
            await asyncio.sleep(0.02)
            await store.write(world.path("a"), "1")
            await store.write(world.path("b"), "1")
            found = await asyncio.gather(*waiting)
            assert {one.path for one in found} == {world.path("a"), world.path("b")}

    run(work)


def case_async_two_clients_of_one_connection(world: World) -> None:
    async def work() -> None:
        async with world.asynchronous() as store:
            async with AsyncClient(connection=store.connection) as same:
                await asyncio.gather(store.write(world.path("a"), "1"), same.write(world.path("b"), "2"))
                assert await store.within(PATIENCE).read(world.path("b")) == b"2"
            assert await store.read(world.path("a")) == b"1"

    run(work)


def case_async_refusals(world: World) -> None:
    async def work() -> None:
        async with world.asynchronous() as store:
            for kind, asked in (
                (NoSuchPath, store.tree(world.path("missing"))),
                (InvalidRequest, store.watch(world.base, world.path("no good")).__aenter__()),
                (Closed, store.transaction().read(world.base)),
            ):
                try:
                    await asked
                except kind:
                    continue
                raise AssertionError(f"no {kind.__name__} was raised")
            await store.write(world.path("a"), "1")

    run(work)


def case_async_attempts_end(world: World) -> None:
    path = world.path("counter")

    async def work() -> None:
        async with world.asynchronous() as store, world.asynchronous() as other:

            async def lose(inside: AsyncTree) -> None:
                value = int(await inside.read(path))
                await other.write(path, str(value + 10))
                await inside.write(path, "x")

            await store.write(path, "0")
            (error,) = await asyncio.gather(store.transact(lose, most=3), return_exceptions=True)
            assert isinstance(error, Conflict)
            assert error.params["attempts"] == 3
            assert await store.read(path) == b"30"

    run(work)


def case_async_reset(world: World) -> None:
    async def work() -> None:
        async with world.asynchronous() as store:
            async with store.watch(world.base) as events:
                await events.get()
                await store.reset()
                try:
                    await events.get()
                except Closed:
                    pass
                else:
                    raise AssertionError("no Closed was raised")
            async with store.watch(world.base) as again:
                await again.get()
                await store.write(world.path("a"), "1")
                assert (await again.get()).path == world.path("a")

    run(work)
