"""Threads, tasks, cancellations and restarts of the server on one connection; nothing hangs or leaks."""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from guestwright.xenstore.client.aio.client import AsyncClient
from guestwright.xenstore.client.aio.tree import AsyncTree
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.errors import Closed, Conflict, ConnectionLost, NoSuchPath, TimedOut
from tests.support.tools import needs
from tests.support.xenstored import Xenstored, started

pytestmark = [pytest.mark.system, needs("gcc", "/usr/lib/xen-4.17/bin/xenstored")]

SECONDS = 4.0
EXPECTED = (Conflict, ConnectionLost, NoSuchPath, TimedOut)  # all that a restart may lead to


class Storm:
    """Much of everything on one connection."""

    def __init__(self, store: Xenstored, seed: int) -> None:
        self.client = Client(store.socket, timeout=20)
        self.seed = seed
        self.until = time.monotonic() + SECONDS
        self.done: Counter[str] = Counter()
        self.failures: list[BaseException] = []
        self.missed = 0

    def guard(self, work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            self.failures.append(error)
            raise

    def thread(self, number: int) -> None:
        dice = random.Random(self.seed + number)
        while time.monotonic() < self.until:
            try:
                self.step(dice.randrange(6), f"/t{number}")
            except EXPECTED:
                self.done["lost"] += 1

    def step(self, kind: int, path: str) -> None:
        client = self.client
        if kind == 0:
            client.write(path, "1")
        elif kind == 1:
            client.get(path)
        elif kind == 2:
            client.transact(lambda t: t.write("/counter", str(int(t.get("/counter") or b"0") + 1)), most=50)
        elif kind == 3:
            with client.watch(path) as watch:
                watch.get(20)
                client.write(path, "2")
                watch.get(20)
        elif kind == 4:
            client.children("/")
        else:
            client.within(0.001).get(path)
        self.done["thread"] += 1

    async def tasks(self) -> None:
        async with (
            AsyncClient(connection=self.client.connection, timeout=20) as one,
            AsyncClient(connection=self.client.connection, timeout=20) as other,
        ):
            await asyncio.gather(*[self.task((one, other)[number % 2], number) for number in range(4)])

    async def task(self, client: AsyncClient, number: int) -> None:
        dice = random.Random(self.seed - number)
        while time.monotonic() < self.until:
            try:
                await self.async_step(client, dice, f"/a{number}")
            except EXPECTED:
                self.done["lost"] += 1

    async def async_step(self, client: AsyncClient, dice: random.Random, path: str) -> None:
        async def change(inside: AsyncTree) -> None:
            await inside.write(path, "1")
            await inside.write(path + "/x", "1")

        kind = dice.randrange(4)
        if kind == 0:
            await client.write(path, "1")
        elif kind == 1:
            await client.transact(change, most=50)
        elif kind == 2:
            async with client.watch(path) as watch:
                await watch.get(20)
                await client.write(path, "2")
                await watch.get(20)
        else:
            task = asyncio.create_task(client.transact(change))
            await asyncio.sleep(dice.random() / 500)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self.done["task"] += 1

    def watcher(self) -> None:
        try:
            with self.client.watch("/") as watch:
                for event in watch:
                    self.missed += event.missed
        except Closed:
            self.done["closed"] += 1


@pytest.mark.parametrize("kind", ["c", "ours"])
def test_storm(kind: str) -> None:
    seed = 1 if "CI" in os.environ else random.randrange(1 << 32)
    before = len(os.listdir("/proc/self/fd"))
    with started(kind) as store:
        storm = Storm(store, seed)
        watchers = [threading.Thread(target=storm.guard, args=(storm.watcher,)) for _ in range(2)]
        workers = [
            threading.Thread(target=storm.guard, args=(lambda number=number: storm.thread(number),))
            for number in range(4)
        ]
        workers.append(threading.Thread(target=storm.guard, args=(lambda: asyncio.run(storm.tasks()),)))
        for one in (*watchers, *workers):
            one.start()
        restarts = 0
        while time.monotonic() < storm.until - 0.5:
            time.sleep(0.5)
            store.restart()
            restarts += 1
        for one in workers:
            one.join(60)
            assert not one.is_alive(), seed
        storm.client.get("/")
        session = storm.client.connection.session
        assert not session.has_output
        assert len(session._watches) == len(watchers)
        storm.client.close()
        for one in watchers:
            one.join(60)
            assert not one.is_alive(), seed
    assert not storm.failures, seed
    assert storm.client.connection.losses >= restarts
    assert storm.missed >= restarts
    assert storm.done["closed"] == len(watchers)
    assert min(storm.done["thread"], storm.done["task"]) > 10
    assert len(os.listdir("/proc/self/fd")) <= before
