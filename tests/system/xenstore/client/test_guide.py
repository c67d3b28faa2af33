"""The examples of docs/xenstore-client.md do what they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.program import COMMAND, environment
from tests.support.xenstored import started

pytestmark = pytest.mark.system

PAGE = Path(__file__).parents[4] / "docs" / "xenstore-client.md"
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
PROGRAMS = [text for kind, text in BLOCKS if kind == "python"]
SESSIONS = [text for kind, text in BLOCKS if not kind and text.startswith("$ ")]

PRINTED = [
    ["b'1' web1", "", "None", "['name'] True", "['n0', 'r5']"],
    None,  # order of events is the server's
    ["b'ready'"],
    ["b'42'"],
    ["/counter b'3'"],
    None,  # "a" and "b" come in any order
]


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_programs(number: int) -> None:
    with started("ours") as store:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", PROGRAMS[number]],
            env=environment({"XENSTORED_PATH": store.socket}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.stderr == ""
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    if PRINTED[number] is not None:
        assert lines == PRINTED[number]
    elif "event.missed" in PROGRAMS[number]:
        assert lines[-1] == "/vm/name /vm False"
    else:
        assert sorted(re.findall(r"'(\w+)'", done.stdout)) == ["a", "b", "tool"]


def test_there_are_examples() -> None:
    assert len(PROGRAMS) == len(PRINTED)
    assert len(SESSIONS) == 1


@pytest.mark.parametrize("text", SESSIONS, ids=lambda text: text.split()[3])
def test_command_lines(text: str, tmp_path: Path) -> None:
    """What a shell shows is what the page shows."""
    program = tmp_path / "guestwright"
    program.write_text(f'#!/bin/sh\nexec {" ".join(COMMAND)} "$@"\n')
    program.chmod(0o755)
    steps = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    with started("ours") as store:
        env = environment({"XENSTORED_PATH": store.socket})
        env["PATH"] = f"{tmp_path}:{env['PATH']}"
        for step in steps:
            line, _, shown = step.partition("\n")
            done = subprocess.run(
                ["bash", "-c", line],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.stdout == shown, line
