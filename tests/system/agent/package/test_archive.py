"""The agent's one file: what is in it, that equal sources make equal bytes, and that Python runs it bare."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from guestwright.agent.package import pyz
from tests.support.program import guestwright, running

pytestmark = pytest.mark.system

OUTSIDE = ("confine", "disk", "fileview", "guestfs", "seal", "media", "cli", "exec_channel")
# What starts it from a checkout; a table for the documentation.
LEFT_OUT = {"__main__.py", "core/conversations.py"}


def built(tmp_path: Path) -> Path:
    path = tmp_path / "agent.pyz"
    done = guestwright("agent", "build", "--output", str(path))
    assert done.status == 0, done.err
    return path


def test_it_runs_with_nothing_but_python(tmp_path: Path) -> None:
    argv = [sys.executable, "-I", "-S", "-E", str(built(tmp_path)), "--help"]
    done = subprocess.run(argv, cwd="/", env={}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "--socket" in done.stdout + done.stderr


def test_it_is_executable(tmp_path: Path) -> None:
    path = built(tmp_path)
    assert os.access(path, os.X_OK)
    assert path.read_bytes().startswith(b"#!/usr/bin/python3 -ISE\n")


def test_equal_sources_make_equal_bytes(tmp_path: Path) -> None:
    assert built(tmp_path).read_bytes() == pyz.build()


def test_nothing_of_the_host_s_side_is_in_it() -> None:
    with zipfile.ZipFile(io.BytesIO(pyz.build())) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert all(one.compress_type == zipfile.ZIP_STORED for one in archive.infolist())
    assert {"__main__.py", "stored.py", "guestwright/__init__.py", "guestwright/agent/main.py"} <= set(names)
    assert not [name for name in names if name.split("/")[1:2] and name.split("/")[1] in OUTSIDE]
    assert not [name for name in names if "/agent/package/" in name]


def test_every_module_of_the_agent_is_in_it() -> None:
    """What the walk over imports does not find would be missing in guests only."""
    top = Path(pyz.__file__).parents[1]
    files = {str(path) for path in top.rglob("*.py") if "package" not in path.parts}
    left_out = {os.path.relpath(path, top) for path in files - set(pyz.modules().values())}
    assert left_out <= LEFT_OUT


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    path = built(tmp_path)
    path.write_text("mine")
    done = guestwright("agent", "build", "--output", str(path))
    assert done.status == 2
    assert "exists already" in done.err
    assert path.read_text() == "mine"
    done = guestwright("agent", "build", "--output", str(path), "--replace", "--json")
    assert json.loads(done.out)["size"] == path.stat().st_size


def test_it_runs_compiled_and_shows_its_name(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "store"))
        listener.listen()
        listener.settimeout(60)
        argv = [sys.executable, "-I", "-S", "-E", str(built(tmp_path)), "--socket", str(tmp_path / "store")]
        with running(argv, cwd="/", env={}, stderr=subprocess.DEVNULL) as agent:
            listener.accept()[0].close()
            assert Path(f"/proc/{agent.pid}/comm").read_text() == "guestwright-age\n"
            assert b"/proc/self/fd/" in Path(f"/proc/{agent.pid}/cmdline").read_bytes()
            agent.terminate()
            assert agent.wait(60) == 0


def test_where_it_cannot_be_compiled_the_sources_run(tmp_path: Path) -> None:
    code = "import os, runpy, sys; del os.memfd_create; del sys.argv[0]; "
    code += "runpy.run_path(sys.argv[0], None, '__main__')"
    argv = [sys.executable, "-I", "-S", "-E", "-c", code, str(built(tmp_path)), "--help"]
    done = subprocess.run(argv, cwd="/", env={}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "--socket" in done.stdout + done.stderr
