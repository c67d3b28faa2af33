from __future__ import annotations

import fcntl
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from guestwright.agent.linux.directories import Directories
from guestwright.agent.linux.sources import LinuxSources
from guestwright.agent.loop import Loop

PATIENCE = 60.0  # seconds


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


def until(loop: Loop, accept: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not accept():
        assert time.monotonic() < end
        loop.turn(1)


def changes(directory: Path) -> dict[str, Callable[[], object]]:
    old = directory / "old"
    return {
        "made": lambda: (directory / "new").write_text("1"),
        "written": lambda: old.write_text("2"),
        "renamed into place": lambda: (directory.parent / "x").rename(old),
        "removed": old.unlink,
        "link": lambda: (directory / "l").symlink_to("old"),
    }


@pytest.mark.parametrize("name", ["made", "written", "renamed into place", "removed", "link"])
def test_each_change_is_told(loop: Loop, tmp_path: Path, name: str) -> None:
    directory = tmp_path / "d"
    directory.mkdir()
    (directory / "old").write_text("1")
    (tmp_path / "x").write_text("3")
    heard: list[int] = []
    one = Directories(loop, [str(directory)], signal.SIGURG, lambda: heard.append(1))
    assert one.works
    changes(directory)[name]()
    until(loop, lambda: heard)
    one.close()


def test_directories_that_come_later_and_go(loop: Loop, tmp_path: Path) -> None:
    below = tmp_path / "below"
    heard: list[int] = []
    one = Directories(loop, [str(tmp_path), str(below)], signal.SIGURG, lambda: heard.append(1))
    for count in (1, 3):
        below.mkdir()
        until(loop, lambda: len(heard) >= count)  # noqa: B023 - called at once
        (below / "file").write_text("1")
        until(loop, lambda: len(heard) > count)  # noqa: B023 - called at once
        (below / "file").unlink()
        below.rmdir()
        heard[:] = [1] * (count + 1)
        until(loop, lambda: len(heard) > count + 1)  # noqa: B023 - called at once
        heard[:] = [1] * 2
    one.close()


def test_no_directory_and_no_kernel(loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Directories(loop, [str(tmp_path / "absent")], signal.SIGURG, lambda: None).works

    def refuse(*_: object) -> int:
        raise OSError(22, "")

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    assert not Directories(loop, [str(tmp_path)], signal.SIGURG, lambda: None).works


def test_nobody_is_told_after_the_end(loop: Loop, tmp_path: Path) -> None:
    heard: list[int] = []
    one = Directories(loop, [str(tmp_path)], signal.SIGURG, lambda: heard.append(1))
    (tmp_path / "new").write_text("1")
    loop.turn(1)
    one.close()
    (tmp_path / "other").write_text("1")
    loop.turn(0.3)
    assert heard == []


@pytest.mark.parametrize(
    ("path", "content", "seen"),
    [
        ("etc/os-release", "ID=alpine\n", lambda one: one.snapshot().system.distro == "alpine"),
        ("etc/timezone", "Europe/Lisbon\n", lambda one: one.snapshot().host.timezone == "Europe/Lisbon"),
        ("etc/hosts", "::1 web1 web1.example.org\n", lambda one: one.snapshot().host.domain == "example.org"),
        ("etc/pv-drivers-not-upgradable", "", lambda one: one.snapshot().not_upgradable),
        (
            "run/systemd/sessions/1",
            "USER=ada\nCLASS=user\n",
            lambda one: [user.name for user in one.snapshot().users] == ["ada"],
        ),
    ],
    ids=["system", "zone", "domain", "tools", "login"],
)
def test_what_the_collectors_hear_of(
    loop: Loop, tmp_path: Path, path: str, content: str, seen: Callable[[LinuxSources], bool]
) -> None:
    for directory in ("etc", "run/systemd/sessions", "proc/sys/kernel"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "proc/sys/kernel/hostname").write_text("web1\n")
    collectors = LinuxSources(str(tmp_path), 0)
    heard: list[int] = []
    collectors.start(loop, lambda **_: heard.append(1))
    assert not seen(collectors)
    (tmp_path / path).write_text(content)
    until(loop, lambda: heard and seen(collectors))
    collectors.close()


@pytest.mark.parametrize("path", ["etc/timezone", "run/systemd/sessions/1"])
def test_what_changes_while_it_starts_is_not_missed(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    for directory in ("etc", "run/systemd/sessions", "proc/sys/kernel"):
        (tmp_path / directory).mkdir(parents=True)
    collectors = LinuxSources(str(tmp_path), 0)
    look = collectors._look

    def late() -> None:
        """The file comes right after it was looked for."""
        look()
        (tmp_path / path).write_text("USER=ada\nCLASS=user\n" if "run" in path else "Europe/Lisbon\n")

    monkeypatch.setattr(collectors, "_look", late)
    collectors.start(loop, lambda **_: None)
    until(
        loop,
        lambda: (
            collectors.snapshot().host.timezone == "Europe/Lisbon"
            or [user.name for user in collectors.snapshot().users] == ["ada"]
        ),
    )
    collectors.close()


def test_without_a_period_nothing_is_looked_at(loop: Loop, tmp_path: Path) -> None:
    collectors = LinuxSources(str(tmp_path), 0)
    collectors.start(loop, lambda **_: None)
    assert loop._timers == []
    collectors.close()
