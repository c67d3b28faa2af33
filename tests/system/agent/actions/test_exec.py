"""Commands, services and files, by a real agent over real servers."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.agent.exchange import streams
from guestwright.exec_channel.errors import FailedInGuest, FeatureNotOffered, NoAnswer, RefusedByGuest
from guestwright.xenstore.client.client import Client
from tests.support import xenstored
from tests.support.agent_process import HOME, World, agent, eventually, serving, world

pytestmark = pytest.mark.system

ALL = '[features]\nexec = true\nfile = true\n[exec]\ncommands = ["*"]\n'


@pytest.fixture(scope="module", params=["ours", "c", "device"])
def open_world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A guest whose owner allows everything."""
    if missing := xenstored.missing("ours" if request.param == "ours" else "c"):
        assert "CI" not in os.environ
        pytest.skip(f"needs {missing}")
    directory = tmp_path_factory.mktemp("agent")
    files = f'[file]\nread = ["{directory}"]\nwrite = ["{directory}"]\n'
    services = '[services.greet]\ncommand = ["/bin/echo", "hello"]\narguments = true\n'
    services += '[services.plain]\ncommand = ["/bin/echo"]\n'
    audit = f'audit = "{directory}/audit"\n'
    with world(request.param, directory, ALL + audit + files + services) as one:
        yield one


def calls(one: World) -> list[str]:
    """Names of calls of which the guest's nodes are there."""
    top = f"{HOME}/{streams.ROOT}"
    parts = set(one.store.children(top)) if one.store.exists(top) else set()
    return [name for part in parts for name in one.store.children(f"{top}/{part}")]


@pytest.mark.parametrize(
    ("argv", "source", "wanted"),
    [
        pytest.param(["/bin/echo", "hello", "a b"], [], (0, "exit", None, b"hello a b\n", b""), id="output"),
        pytest.param(["/bin/cat"], [b"one ", b"", b"two"], (0, "exit", None, b"one two", b""), id="input"),
        pytest.param(
            ["/bin/sh", "-c", "echo no >&2; exit 7"], [], (7, "exit", None, b"", b"no\n"), id="status"
        ),
        pytest.param(["/bin/sh", "-c", "kill -9 $$"], [], (None, "signal", 9, b"", b""), id="signal"),
        pytest.param(["/bin/sh", "-c", "cat; pwd"], [], (0, "exit", None, b"/\n", b""), id="no input"),
        pytest.param(["/bin/true"], [bytes(300_000)], (0, "exit", None, b"", b""), id="input not wanted"),
        pytest.param(
            ["/bin/sh", "-c", "sleep 60 >&- 2>&- & echo x"], [], (0, "exit", None, b"x\n", b""), id="daemon"
        ),
        pytest.param(
            ["/bin/sh", "-c", "sleep 60 & echo x"], [], (0, "exit", None, b"x\n", b""), id="daemon with pipes"
        ),
    ],
)
def test_a_command(
    open_world: World,
    argv: list[str],
    source: list[bytes],
    wanted: tuple[int | None, str, int | None, bytes, bytes],
) -> None:
    done = open_world.guest.run(argv, source=source)
    assert (done.status, done.how, done.signal, done.out, done.err) == wanted
    eventually(lambda: not calls(open_world))


def test_every_byte_comes_through_both_ways(open_world: World) -> None:
    data = bytes(range(256)) * 40_000
    done = open_world.guest.run(
        ["/bin/cat"], source=(data[at : at + 77_777] for at in range(0, len(data), 77_777))
    )
    assert done.out == data


def test_user_directory_and_environment(open_world: World) -> None:
    shown = ["/bin/sh", "-c", 'echo "$(id -un) $HOME $(pwd) $WORD $PATH"']
    done = open_world.guest.run(shown, user="nobody", directory="/tmp", environment={"WORD": "x=y"})
    assert done.out.decode().split()[:4] == ["nobody", "/nonexistent", "/tmp", "x=y"]


def test_timeout(open_world: World) -> None:
    start = time.monotonic()
    done = open_world.guest.run(["/bin/sh", "-c", "echo begun; exec sleep 60"], timeout=0.3)
    assert (done.how, done.out) == ("timeout", b"begun\n")
    assert time.monotonic() - start < 15


def test_what_ignores_the_first_signal_is_killed(open_world: World) -> None:
    done = open_world.guest.run(["/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"], timeout=0.3)
    assert done.how == "timeout"


def test_cancel(open_world: World, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    call = open_world.guest.call(
        "command", [("arg", "/bin/sh"), ("arg", "-c"), ("arg", f"echo $$ > {mark}; exec sleep 60")]
    )
    threading.Timer(0.5, call.cancel).start()
    with call:
        assert list(call) == []
    assert call.ended == "cancelled"
    pid = int(mark.read_text())
    eventually(lambda: not os.path.exists(f"/proc/{pid}"))


def test_a_host_that_turns_away_ends_the_work(open_world: World, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    with open_world.guest.call(
        "command", [("arg", "/bin/sh"), ("arg", "-c"), ("arg", f"echo $$ > {mark}; yes")]
    ) as call:
        next(call)
    pid = int(mark.read_text())
    eventually(lambda: not os.path.exists(f"/proc/{pid}"))
    eventually(lambda: not calls(open_world))


def test_a_slow_host_is_waited_for(open_world: World) -> None:
    with open_world.guest.call(
        "command", [("arg", "/usr/bin/head"), ("arg", "-c"), ("arg", "1000000"), ("arg", "/dev/zero")]
    ) as call:
        next(call)
        time.sleep(1.5)
        assert 100_000 < sum(len(data) for _, data in call) < 1_000_000
    assert call.ended == "exit 0"


def test_services(open_world: World) -> None:
    assert open_world.get("data/service/guestwright/greet") == "1"
    assert open_world.guest.service("greet", ["you"]).out == b"hello you\n"
    assert open_world.guest.service("plain").out == b"\n"
    with pytest.raises(RefusedByGuest, match="takes no arguments"):
        open_world.guest.service("plain", ["x"])
    with pytest.raises(RefusedByGuest, match="no such service"):
        open_world.guest.service("other")


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        pytest.param(["/no/such/program"], "No such file", id="missing"),
        pytest.param(["/etc/passwd"], "Permission denied", id="no program"),
    ],
)
def test_what_cannot_be_started(open_world: World, argv: list[str], reason: str) -> None:
    with pytest.raises(FailedInGuest, match=reason):
        open_world.guest.run(argv)


def test_many_calls_at_a_time(open_world: World) -> None:
    results: list[bytes] = []
    threads = [
        threading.Thread(
            target=lambda n=n: results.append(
                open_world.guest.run(["/bin/sh", "-c", f"sleep 0.3; echo {n}"]).out
            )
        )
        for n in range(streams.CALLS_MAX)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(results) == [b"%d\n" % n for n in range(streams.CALLS_MAX)]


def test_too_many_calls_are_refused(open_world: World) -> None:
    sleepers = [
        open_world.guest.call("command", [("arg", "/bin/sh"), ("arg", "-c"), ("arg", "echo; sleep 60")])
        for _ in range(streams.CALLS_MAX)
    ]
    for one in sleepers:
        next(one)
    with pytest.raises(RefusedByGuest, match="too many"):
        open_world.guest.run(["/bin/true"])
    for one in sleepers:
        one.close()
    eventually(lambda: not calls(open_world))
    assert open_world.guest.run(["/bin/true"]).status == 0


def test_files(open_world: World) -> None:
    path = open_world.log.parent / "file"
    data = os.urandom(300_000)
    open_world.guest.write_file(str(path), [data], mode=0o640)
    assert path.read_bytes() == data
    assert path.stat().st_mode & 0o777 == 0o640
    assert b"".join(open_world.guest.read_file(str(path))) == data
    assert not list(path.parent.glob("*.part"))


def test_a_file_that_was_not_finished_is_not_there(open_world: World) -> None:
    path = open_world.log.parent / "half"

    def source() -> Iterator[bytes]:
        yield bytes(300_000)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        open_world.guest.write_file(str(path), source())
    eventually(lambda: not list(path.parent.glob("half*")))


@pytest.mark.parametrize("path", ["/etc/shadow", "{top}/../x", "{top}/link/shadow", "relative", "{top}/"])
def test_files_elsewhere_are_refused(open_world: World, path: str) -> None:
    top = open_world.log.parent
    if not (top / "link").is_symlink():
        (top / "link").symlink_to("/etc")
    with pytest.raises(RefusedByGuest):
        b"".join(open_world.guest.read_file(path.format(top=top)))
    with pytest.raises(RefusedByGuest):
        open_world.guest.write_file(path.format(top=top), [b""])


def test_a_link_in_place_of_a_file_is_not_followed(open_world: World) -> None:
    link = open_world.log.parent / "shadow"
    if not link.is_symlink():
        link.symlink_to("/etc/shadow")
    with pytest.raises(FailedInGuest, match="symbolic links"):
        b"".join(open_world.guest.read_file(str(link)))


def test_each_request_is_in_the_guests_log(open_world: World) -> None:
    open_world.guest.run(["/bin/echo", "line\nbreak"])
    line = "arg=/bin/echo arg=line\\x0abreak"
    assert line in open_world.said()
    assert line in (open_world.log.parent / "audit").read_text()


@pytest.mark.parametrize(
    ("config", "argv", "more", "reason"),
    [
        pytest.param('commands = ["/bin/echo"]', ["/bin/cat"], {}, "not on the list", id="command"),
        pytest.param('commands = ["/bin/echo"]', ["echo"], {}, "absolute path", id="relative"),
        pytest.param(
            'commands = ["/bin/echo"]', ["/bin/echo"], {"directory": "/tmp"}, "directory", id="directory"
        ),
        pytest.param(
            'commands = ["/bin/echo"]',
            ["/bin/echo"],
            {"environment": {"LD_PRELOAD": "x"}},
            "variables",
            id="variable",
        ),
        pytest.param(
            'commands = ["*"]\nuser = "nobody"', ["/bin/echo"], {"user": "root"}, "this user", id="user"
        ),
        pytest.param(
            'commands = ["*"]', ["/bin/echo"], {"user": "nobody-at-all"}, "no such user", id="unknown user"
        ),
    ],
)
def test_what_the_owner_does_not_allow(
    config: str, argv: list[str], more: dict[str, str], reason: str, tmp_path: Path
) -> None:
    with world("ours", tmp_path, f"[features]\nexec = true\n[exec]\n{config}\n") as one:
        with pytest.raises(RefusedByGuest, match=reason):
            one.guest.run(argv, **more)  # type: ignore[arg-type]  # of several kinds
        assert "refused" in one.said()


def test_disabled_is_told(tmp_path: Path) -> None:
    with world("ours", tmp_path) as one:
        assert one.get("data/guestwright/features/exec") == "disabled in the guest"
        with pytest.raises(FeatureNotOffered, match="disabled in the guest"):
            one.guest.run(["/bin/true"])
        one.put("data/guestwright/features/exec", "1")  # a host that does not care
        with pytest.raises(RefusedByGuest, match="disabled in the guest"):
            one.guest.run(["/bin/true"])


def test_a_call_of_an_agent_that_was_killed_is_lost(tmp_path: Path) -> None:
    with serving("ours", tmp_path) as (host, options), Client(host) as store:
        with agent(options, tmp_path, ALL) as (process, log):
            one = World(store, process, log)
            one.wait("data/updated", lambda value: value is not None)
            call = one.guest.call("command", [("arg", "/bin/sh"), ("arg", "-c"), ("arg", "echo; sleep 60")])
            next(call)
            process.kill()
            process.wait()
            process.returncode = 0
        with agent(options, tmp_path, ALL), pytest.raises(NoAnswer, match="restarted"):
            list(call)


def test_quotas_hold_while_much_is_sent(tmp_path: Path) -> None:
    """The server's default quotas are those of Xen; a write beyond them would end the call."""
    with world("ours", tmp_path, ALL) as one:
        with one.guest.call(
            "command", [("arg", "/usr/bin/head"), ("arg", "-c"), ("arg", "20000000"), ("arg", "/dev/zero")]
        ) as call:
            total = most = 0
            for number, (_, data) in enumerate(call):
                total += len(data)
                if number % 2000 == 0:
                    most = max(most, len(one.store.tree(HOME)))
        assert (total, call.ended) == (20_000_000, "exit 0")
        assert 0 < most < 400
