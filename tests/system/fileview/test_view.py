"""Tools on views: by FUSE and by copy, as root and as an ordinary user."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from guestwright.base.errors import GuestwrightError
from guestwright.confine import namespaces
from guestwright.confine.held import Held
from guestwright.fileview import fuse_view
from guestwright.fileview.view import CHOICE, run_on_view, start_view
from tests.support.forked import IDENTITIES, Outcome, forked
from tests.support.memory_device import MemoryDevice

MEANS = ["copy", *(["fuse"] if fuse_view.available() else [])]
pytestmark = [
    pytest.mark.system,
    pytest.mark.parametrize("identity", IDENTITIES),
    pytest.mark.parametrize("means", MEANS),
]
CONTENT = b"guest " + bytes(range(1, 251)) * 9000


@pytest.fixture(autouse=True)
def choose(means: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE, means)
    monkeypatch.setenv("TMPDIR", "/var/tmp")


def _shell(
    script: str,
    device: MemoryDevice,
    *,
    writable: bool = False,
    timeout: float = 60,
) -> Callable[[], str]:
    """Runs `script`, in which $0 is the file."""

    def body() -> str:
        try:
            result = run_on_view(
                device,
                lambda path: ["/bin/sh", "-c", script, path],
                writable=writable,
                timeout=timeout,
            )
        except (GuestwrightError, OSError) as error:
            return f"{type(error).__name__} {error}"
        assert result.means == os.environ[CHOICE]
        assert result.held.enough
        return (
            f"{result.status} {result.stdout.decode()}|{result.stderr.decode()}|{device.content.hex()[:100]}"
        )

    return body


def _run(identity: str, script: str, device: MemoryDevice | None = None, **options: object) -> Outcome:
    device = device or MemoryDevice(CONTENT)
    return forked(_shell(script, device, **options), identity=identity)  # type: ignore[arg-type] # as _shell says


def test_content_is_the_device(identity: str, means: str) -> None:
    outcome = _run(identity, "sha256sum < $0; stat -Lc %s $0")
    assert outcome.text.split("|")[0].split() == [
        "0",
        hashlib.sha256(CONTENT).hexdigest(),
        "-",
        str(len(CONTENT)),
    ]


def test_writes_reach_the_device(identity: str, means: str) -> None:
    outcome = _run(
        identity, "printf HELLO | dd of=$0 conv=notrunc,fsync bs=1 seek=3 status=none", writable=True
    )
    assert outcome.text.startswith("0 ||"), outcome
    assert bytes.fromhex(outcome.text.split("|")[2])[:12] == b"gueHELLO" + CONTENT[8:12]


def test_reading_only(identity: str, means: str) -> None:
    device = MemoryDevice(CONTENT, writable=False)
    outcome = _run(identity, "printf HELLO | dd of=$0 conv=notrunc status=none", device)
    assert not outcome.text.startswith("0 "), outcome
    assert bytes.fromhex(outcome.text.split("|")[2]) == CONTENT[:50]


def test_status_and_both_streams(identity: str, means: str) -> None:
    outcome = _run(identity, "echo out; echo err >&2; exit 9")
    assert outcome.text.startswith("9 out\n|err\n|"), outcome


def test_flood_of_output_is_cut(identity: str, means: str) -> None:
    outcome = _run(identity, "yes 123456789 | head -c 5000000")
    assert outcome.text.startswith("0 ")
    assert len(outcome.text.split("|")[0]) == 2 + (1 << 20)


def test_deadline(identity: str, means: str) -> None:
    started = time.monotonic()
    outcome = _run(identity, "sleep 60", timeout=0.3)
    assert outcome.text.startswith("ToolTimedOut"), outcome
    assert time.monotonic() - started < 20


def test_tool_that_closes_its_output_and_stays(identity: str, means: str) -> None:
    outcome = _run(identity, "exec >&- 2>&-; sleep 0.2; exit 3")
    assert outcome.text.startswith("3 "), outcome


def test_host_files_are_out_of_reach(identity: str, means: str) -> None:
    script = "cat /etc/passwd; cat /etc/shadow; echo x > /var/tmp/escaped; echo x > /dev/shm/escaped; exit 0"
    outcome = _run(identity, script)
    assert "root:" not in outcome.text
    assert not Path("/var/tmp/escaped").exists()
    assert not Path("/dev/shm/escaped").exists()


def test_growing_is_refused(identity: str, means: str) -> None:
    outcome = _run(identity, "dd if=/dev/null of=$0 bs=1 seek=99999999 status=none", writable=True)
    if means == "fuse":
        assert "failed to truncate" in outcome.text


def test_a_setting_is_a_file_that_only_the_tool_sees(identity: str, means: str) -> None:
    def body() -> str:
        view = start_view(
            MemoryDevice(CONTENT),
            lambda path: ["/bin/sh", "-c", 'cat "$SETTING"; echo x >"$SETTING"', path],
            writable=True,
            settings={"SETTING": b"told " * 2000},
        )
        if view is None:
            return "none"
        with view:
            assert not any(name.endswith("SETTING") for name in os.listdir("/tmp"))
            return view.finish(60).stdout.decode()

    assert forked(body, identity=identity).text == ("told " * 2000 if means == "fuse" else "none")


def test_device_errors_are_raised(identity: str, means: str) -> None:
    device = MemoryDevice(CONTENT)
    device.fail_reads = True
    outcome = _run(identity, "cat $0", device)
    assert "bad medium" in outcome.text
    assert outcome.text.startswith(("OSError", "ViewFailed"))


def test_no_mount_without_a_namespace(identity: str, means: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "enter", lambda **_: Held())
    outcome = _run(identity, "cat $0 > /dev/null")
    assert outcome.text.startswith("ToolNotStarted" if means == "fuse" else "0 "), outcome
    assert "guest-filesystem" not in Path("/proc/self/mounts").read_text()


def test_fuse_that_fails_gives_way_to_a_copy(
    identity: str, means: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namespaces, "enter", lambda **_: Held())
    monkeypatch.delenv(CHOICE)

    def body() -> str:
        return run_on_view(MemoryDevice(CONTENT), lambda path: ["/bin/true"], writable=False).means

    assert forked(body, identity=identity).text == "copy"


def test_nothing_stays_behind_a_kill(identity: str, means: str, tmp_path: Path) -> None:
    """kill -9 of the serving process: the tool dies too, no mount and no file is left."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        body = _shell("cat $0 >/dev/null; sleep 300", MemoryDevice(CONTENT))

        def serve() -> str:
            os.write(tell, str(os.getpid()).encode())
            return body()

        forked(serve, identity=identity)
        os._exit(0)
    server = int(os.read(ready, 100))
    time.sleep(0.3)
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    assert len(children) == 1
    os.kill(server, signal.SIGKILL)
    os.waitpid(pid, 0)
    for _ in range(1500):
        if not Path(f"/proc/{children[0]}/cwd").exists():
            break
        time.sleep(0.01)
    status = Path(f"/proc/{children[0]}/status")
    assert not status.exists() or "State:\tZ" in status.read_text()
    new = [line for line in Path("/proc/self/mounts").read_text().splitlines() if line not in mounts]
    # A test of the appliance may run at the same time, and shows a guest's files to its own script.
    assert [line for line in new if "guestwright" in line and "guestwright-script" not in line] == []
    left = [name for place in ("/tmp", "/var/tmp") for name in os.listdir(place)]
    assert not any(name.startswith(".guestwright-") or name == "guest-filesystem" for name in left)
