from __future__ import annotations

from pathlib import Path

import pytest

from guestwright import __version__
from guestwright.agent.linux.sources import LinuxSources
from guestwright.agent.loop import Loop
from guestwright.agent.sources import NoSources, sources
from guestwright.agent.unix import version as module


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, content in {
        "proc/sys/kernel/hostname": "web1\n",
        "proc/meminfo": "MemTotal: 100 kB\nMemFree: 10 kB\n",
        "etc/os-release": "ID=debian\nVERSION_ID=12\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    return tmp_path


def test_what_is_known_at_the_start(root: Path) -> None:
    heard: list[int] = []
    loop, collectors = Loop(), LinuxSources(str(root))
    collectors.start(loop, lambda **_: heard.append(1))
    facts = collectors.snapshot()
    assert facts.host.name == "web1"
    assert facts.system.distro == "debian"
    assert facts.memory is not None
    assert not facts.not_upgradable
    assert facts.version == tuple(int(part) for part in __version__.split("."))
    assert all(nic.name != "lo" for nic in facts.nics)
    assert collectors.snapshot() is facts
    assert heard == []
    collectors.close()
    loop.close()


def test_each_minute_is_looked_at_the_rest(root: Path) -> None:
    heard: list[int] = []
    clock = Clock()
    loop, collectors = Loop(clock), LinuxSources(str(root))
    collectors.start(loop, lambda **_: heard.append(1))
    collectors.snapshot()
    for change in ("nothing", "memory", "file"):
        if change == "memory":
            (root / "proc/meminfo").write_text("MemTotal: 100 kB\nMemFree: 20 kB\n")
        elif change == "file":
            (root / "etc/pv-drivers-not-upgradable").write_text("")
        heard.clear()
        clock.now += 53
        loop.turn(0)
        assert heard == []
        clock.now += 14
        loop.turn(0)
        assert bool(heard) is (change != "nothing")
    assert collectors.snapshot().not_upgradable
    collectors.close()
    loop.close()


def test_names_mounts_and_disks_are_read_again_when_the_kernel_says_so(root: Path) -> None:
    heard: list[int] = []
    loop, collectors = Loop(), LinuxSources(str(root))
    collectors.start(loop, lambda **_: heard.append(1))
    (root / "proc/sys/kernel/hostname").write_text("web2\n")
    collectors._host_changed(0)
    assert collectors.snapshot().host.name == "web2"
    collectors._mounts_changed(0)
    (root / "sys/block/xvdb").mkdir(parents=True)
    (root / "sys/block/xvdb/size").write_text("2048\n")
    collectors._disks_changed()
    assert [disk.name for disk in collectors.snapshot().disks] == ["xvdb"]
    assert heard == [1, 1]  # the mounts are the same
    collectors.close()
    loop.close()


def test_the_real_proc_can_tell() -> None:
    loop, collectors = Loop(), LinuxSources("/")
    collectors.start(loop, lambda **_: None)
    assert len(collectors._watched) == 2
    collectors.close()
    loop.close()


def test_collectors_that_never_started(root: Path) -> None:
    LinuxSources(str(root)).close()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("0.1.0", (0, 1, 0)), ("2", (2, 0, 0)), ("1.2.3.4", (1, 2, 3)), ("1.2rc1", (1, 0, 0))],
)
def test_the_version_in_three_numbers(
    text: str, numbers: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "__version__", text)
    assert module.version() == numbers


def test_the_platform_decides(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = sources(str(root))
    assert isinstance(found, LinuxSources)
    found.close()
    monkeypatch.setattr("sys.platform", "plan9")
    nothing = sources("/")
    assert isinstance(nothing, NoSources)
    nothing.start(Loop(), lambda: None)
    assert nothing.snapshot().nics == ()
    nothing.close()
