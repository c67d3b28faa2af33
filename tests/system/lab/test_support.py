"""The lab's helpers for tests do what they say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.images import small_copy, small_original
from tests.support.killing import Call, killed, writes
from tests.support.tools import needs

pytestmark = [pytest.mark.system]

_PROGRAM = """import os, sys
f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
for n in range(5):
    os.pwrite(f, b"x", n)
os.fsync(f)
os.ftruncate(f, 1)
"""


@needs("strace")
def test_a_program_dies_at_the_call_that_was_asked_for(tmp_path: Path) -> None:
    argv = [sys.executable, "-S", "-c", _PROGRAM, str(tmp_path / "file")]
    calls = writes(argv)
    assert [call.name for call in calls] == ["pwrite64"] * 5 + ["fsync", "ftruncate"]
    for number, call in enumerate(calls):
        (tmp_path / "file").write_bytes(b"")
        assert killed(argv, call)
        assert (tmp_path / "file").read_bytes() == b"x" * min(number, 5)
    assert not killed(argv, Call(name="fsync", number=2))


@needs("mke2fs", "debugfs")
def test_copies_are_a_test_s_own(tmp_path: Path) -> None:
    image = small_copy(tmp_path)
    assert Path(image.path).read_bytes() == Path(small_original().path).read_bytes()
    assert Path(image.path).parent == tmp_path
