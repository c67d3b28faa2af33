"""The loop: time, descriptors, signals, children; and tasks on it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from guestwright.agent import children
from guestwright.agent.loop import Loop
from guestwright.agent.tasks import Task, TaskCancelled, Wait, every, sleep


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def loop(clock: Clock) -> Iterator[Loop]:
    one = Loop(clock)
    yield one
    one.close()


@pytest.fixture
def real() -> Iterator[Loop]:
    one = Loop()
    yield one
    one.close()


def test_timers_go_off_in_order_and_not_after_they_were_cancelled(loop: Loop, clock: Clock) -> None:
    seen: list[str] = []
    loop.at(2, lambda: seen.append("two"))
    cancelled = loop.at(1, lambda: seen.append("cancelled"))
    loop.at(1, lambda: seen.append("one"))
    loop.at(1, lambda: seen.append("one again"))
    cancelled.cancel()
    loop.turn(0)
    assert seen == []
    clock.now = 5
    loop.turn(0)
    assert seen == ["one", "one again", "two"]


def test_cancelled_timers_do_not_gather(loop: Loop) -> None:
    for _ in range(10_000):
        loop.at(1000, lambda: None).cancel()
    assert len(loop._timers) < 200


def test_what_is_put_off_runs_before_the_loop_sleeps(loop: Loop) -> None:
    seen: list[int] = []
    loop.soon(lambda: loop.soon(lambda: seen.append(1)))
    loop.turn(60)
    assert seen == [1]


def test_descriptors(real: Loop) -> None:
    out, put = os.pipe()
    seen: list[int] = []
    try:
        real.add(out, seen.append)
        real.turn(0)
        assert seen == []
        os.write(put, b"x")
        real.turn(5)
        assert len(seen) == 1
        real.remove(out)
        real.remove(out)
        real.turn(0)
        assert len(seen) == 1
    finally:
        os.close(out)
        os.close(put)


def test_signals_come_into_the_loop(real: Loop) -> None:
    seen: list[str] = []
    real.on_signal(signal.SIGUSR1, lambda: seen.append("it"))
    os.kill(os.getpid(), signal.SIGUSR1)
    real.turn(5)
    assert seen == ["it"]


def test_waking_up_is_counted(real: Loop) -> None:
    before = real.wakeups
    real.at(0.01, lambda: None)
    real.turn()
    real.turn(0)
    assert real.wakeups == before + 1


def run(real: Loop, work: Any) -> Any:
    found: list[Any] = []

    async def whole() -> None:
        found.append(await work)

    task = Task(whole())
    while task.alive:
        real.turn(5)
    return found[0]


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        ("echo a; echo b >&2; exit 3", (3, b"a\n", b"b\n")),
        ("kill -9 $$", (-9, b"", b"")),
        ("head -c 200000 /dev/zero", (0, bytes(65536), b"")),
    ],
)
def test_programs(real: Loop, script: str, wanted: tuple[int, bytes, bytes]) -> None:
    assert run(real, children.run_apart(real, ["/bin/sh", "-c", script])) == wanted


def test_a_program_that_takes_too_long_is_killed(real: Loop) -> None:
    assert run(real, children.run(real, ["/bin/sleep", "60"], seconds=0.2)) == (-9, b"")


def test_a_program_that_is_not_there(real: Loop) -> None:
    with pytest.raises(FileNotFoundError):
        run(real, children.run(real, ["/no/such/program"]))


def test_a_child_has_only_what_it_is_given(real: Loop) -> None:
    left, other = os.pipe()
    os.set_inheritable(left, True)
    try:
        script = "env; exec ls /proc/self/fd"
        status, out, err = run(real, children.run_apart(real, ["/bin/bash", "-c", script]))
    finally:
        os.close(left)
        os.close(other)
    assert (status, err) == (0, b"")
    assert out.endswith(b"\n0\n1\n2\n3\n")  # the last is the directory that ls looks into
    assert b"PYTEST_CURRENT_TEST" not in out


def test_standard_streams_that_are_closed_do_no_harm() -> None:
    """A service manager may start the agent without any."""
    script = (
        "import os, sys; sys.path.insert(0, 'src'); out = os.dup(1); [os.close(n) for n in (0, 1, 2)]\n"
        "from guestwright.agent.loop import Loop; from guestwright.agent import children\n"
        "from guestwright.agent.tasks import Task\n"
        "loop = Loop(); found = []; argv = ['/bin/sh', '-c', 'echo a; echo b >&2']\n"
        "async def work(): found.append(await children.run_apart(loop, argv))\n"
        "task = Task(work())\n"
        "while task.alive: loop.turn(5)\n"
        "os.write(out, repr(found).encode())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=True)
    assert done.stdout == b"[(0, b'a\\n', b'b\\n')]"


def test_tasks_take_steps_and_raise_what_comes(loop: Loop, clock: Clock) -> None:
    steps: list[str] = []
    ends: list[BaseException | None] = []

    async def work() -> None:
        await sleep(loop, 1)
        steps.append("slept")
        outcomes = await every([sleep(loop, 1), Wait(lambda done: loop.at(2, lambda: done(ValueError("x"))))])
        steps.append(str([type(one).__name__ for one in outcomes]))
        assert await every([]) == []
        await Wait(lambda done: loop.soon(lambda: done(KeyError("end"))))

    Task(work(), ends.append)
    for now in (1, 2, 3, 4):
        clock.now = now
        loop.turn(0)
        loop.turn(0)
    assert steps == ["slept", "['NoneType', 'ValueError']"]
    assert isinstance(ends[0], KeyError)


def test_a_cancelled_task_cleans_up_and_hears_no_more(loop: Loop, clock: Clock) -> None:
    steps: list[str] = []
    ends: list[BaseException | None] = []

    async def work() -> None:
        try:
            await sleep(loop, 1)
            steps.append("never")
        finally:
            steps.append("clean")

    task = Task(work(), ends.append)
    task.cancel()
    task.cancel()
    clock.now = 5
    loop.turn(0)
    assert steps == ["clean"]
    assert isinstance(ends[0], TaskCancelled)
    assert not task.alive


def test_poll_does_what_epoll_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """On FreeBSD there is no epoll."""
    monkeypatch.delattr("select.epoll")
    loop = Loop()
    out, put = os.pipe()
    seen: list[int] = []
    try:
        loop.add(out, seen.append)
        loop.turn(0)
        os.write(put, b"x")
        loop.turn(5)
        loop.modify(out, 0)
        loop.turn(0)
        assert seen == [1]
        loop.at(0.01, lambda: seen.append(2))
        loop.turn()
        assert seen == [1, 2]
        loop.remove(out)
    finally:
        loop.close()
        os.close(out)
        os.close(put)
