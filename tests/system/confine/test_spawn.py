"""Host tools under confinement."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guestwright.confine import landlock, namespaces
from guestwright.confine.errors import ConfinementMissing, ToolMissing, ToolNotStarted, ToolTimedOut
from guestwright.confine.held import Held
from guestwright.confine.limits import Limits
from guestwright.confine.process import TOOL_LIMITS, Access, find_tool, spawn
from tests.support.forked import IDENTITIES, forked

pytestmark = [pytest.mark.system, pytest.mark.parametrize("identity", IDENTITIES)]
SH = "/bin/sh"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for parent in (tmp_path, *tmp_path.parents[:3]):
        parent.chmod(parent.stat().st_mode | 0o055)
    (tmp_path / "allowed").write_text("yes")
    (tmp_path / "other").write_text("secret")
    for name in ("allowed", "other"):
        (tmp_path / name).chmod(0o666)
    return tmp_path


def _shell(script: str, **options: Any) -> Callable[[], str]:
    def body() -> str:
        out, into = os.pipe()
        child = spawn([SH, "-c", script], stdout=into, stderr=into, **options)
        os.close(into)
        status = child.wait(30)
        return f"{status} {os.read(out, 65536).decode()}"

    return body


def test_runs_and_reports_status(identity: str) -> None:
    assert forked(_shell("echo hello; exit 7"), identity=identity).text == "7 hello\n"


def test_files_by_name_only(identity: str, place: Path) -> None:
    script = f"cat {place}/allowed; cat {place}/other; cat /etc/passwd; echo x > {place}/allowed; ls /etc"
    text = forked(_shell(script, access=Access(read=(f"{place}/allowed",))), identity=identity).text
    assert "yes" in text
    assert "secret" not in text
    assert "root:" not in text
    assert text.lower().count("denied") == 4
    assert (place / "allowed").read_text() == "yes"


def test_environment_is_fixed(identity: str) -> None:
    text = forked(_shell("/usr/bin/env"), identity=identity).text
    assert {line.split("=")[0] for line in text[2:].splitlines()} <= {"PATH", "LC_ALL", "PWD", "SHLVL", "_"}


def test_identity_and_standard_input(identity: str) -> None:
    text = forked(_shell("id -u; id -G; cat; pwd"), identity=identity).text
    uid = 65534 if identity == "root" else 0  # an ordinary user is called root in its own namespace
    assert text.splitlines()[0] == f"0 {uid}"
    assert text.endswith("/\n")


def test_root_may_stay_root_with_one_capability(identity: str) -> None:
    script = "id -u; grep -E 'Cap(Prm|Eff|Bnd)' /proc/self/status"
    text = forked(_shell(script, drop_user=False, access=Access(read=("/proc",))), identity=identity).text
    capabilities = 2 if identity == "root" else 0
    assert text.splitlines()[0] == "0 0"
    assert [int(line.split()[1], 16) for line in text.splitlines()[1:]] == [capabilities] * 3


def test_descriptors_are_mapped(identity: str) -> None:
    def body() -> str:
        out, into = os.pipe()
        child = spawn([SH, "-c", "echo through >&3; ls -l /proc/self/fd | wc -l >&3"], pass_fds={3: into})
        os.close(into)
        child.wait(60)
        return os.read(out, 1000).decode()

    assert forked(body, identity=identity).text.startswith("through\n")


def test_environment_may_know_the_pid(identity: str) -> None:
    script = _shell("echo $ME $$", env=lambda: {"ME": str(os.getpid())})
    mine, shell = forked(script, identity=identity).text.split()[1:]
    assert mine == shell


def test_deadline_kills(identity: str) -> None:
    def body() -> str:
        started = time.monotonic()
        child = spawn([SH, "-c", "sleep 100"])
        try:
            child.wait(0.1)
        except ToolTimedOut as error:
            return f"{error} {time.monotonic() - started < 5} {child.wait()}"
        return "no"

    assert forked(body, identity=identity).text.endswith(f"True -{signal.SIGKILL:d}")


def test_processor_limit(identity: str) -> None:
    body = _shell("while :; do :; done", limits=Limits(cpu_seconds=1, processes=None))
    assert forked(body, identity=identity).text.split()[0] in (f"-{signal.SIGXCPU:d}", f"-{signal.SIGKILL:d}")


def test_pipe_signal_is_restored(identity: str) -> None:
    assert forked(_shell("yes | head -c 2 >/dev/null; kill -PIPE $$"), identity=identity).text.startswith(
        "-13"
    )


def test_a_program_that_is_not_there(identity: str) -> None:
    def body() -> str:
        try:
            spawn(["/usr/bin/no-such-program"])
        except ToolNotStarted as error:
            return str(error)
        return "started"

    assert "no-such-program: exec:" in forked(body, identity=identity).text


def test_setup_failure_is_told(identity: str) -> None:
    def body() -> str:
        def setup(held: Held) -> None:
            raise OSError(5, "as intended")

        try:
            spawn([SH, "-c", "true"], setup=setup)
        except ToolNotStarted as error:
            return str(error.params["stage"]) + str(error.params["detail"])
        return "started"

    assert forked(body, identity=identity).text == "setup[Errno 5] as intended"


def test_missing_tool(identity: str) -> None:
    with pytest.raises(ToolMissing, match="no-such-tool"):
        find_tool("no-such-tool", "nothing")


@pytest.mark.parametrize("require", [True, False])
def test_without_any_protection(identity: str, require: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "restrict", lambda **_: Held())
    monkeypatch.setattr(namespaces, "enter", lambda **_: Held())

    def body() -> str:
        try:
            return str(spawn([SH, "-c", "exit 3"], require=require, limits=TOOL_LIMITS).wait(60))
        except ConfinementMissing as error:
            return error.code

    assert forked(body, identity=identity).text == ("confinement-missing" if require else "3")


def test_weaker_kernels_still_work(identity: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "enter", lambda **_: Held())
    assert forked(_shell("exit 4"), identity=identity).text.startswith("4")
