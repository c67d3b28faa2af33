"""kill -9 at each system call that writes: after it a volume is there whole, or not at all.

The verbs run in the program's only thread, and `strace` kills it as it enters the call. Unlike the
fail-points of `test_killed`, nobody chose these places.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from guestwright.host.volumes.clean import listing
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.metadata import Metadata, State
from guestwright.host.volumes.recover import recover
from tests.support.killing import killed, writes
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("strace")]

ROOT = Path(__file__).parents[4]
SIZE = 1 << 17
_VERB = """
import sys
sys.path.insert(0, sys.argv[1])
from guestwright.host.jobs.alone import Alone
from guestwright.host.volumes import upload
from guestwright.host.volumes.copy import Copy, copy
from guestwright.host.volumes.create import Create, create
from guestwright.host.volumes.delete import delete
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.metadata import Format
from guestwright.host.volumes.rules import Update
from guestwright.host.volumes.update import update
domain, verb = Domain(sys.argv[2]), sys.argv[3]
if verb == "create":
    create(domain, Create(volume="new", format=Format.RAW, size=1 << 17), Alone("j"), now=1.0)
elif verb == "copy":
    copy(domain, domain, Copy(source="old", volume="new"), Alone("j"), now=1.0, clone=False)
elif verb == "update":
    update(domain, "old", 1, Update(shared=True, description="changed"))
elif verb == "delete":
    delete(domain, "old")
else:
    wanted = upload.Begin(volume="new", format=Format.RAW, size=1 << 17, file_size=1 << 17)
    if upload.begin(domain, wanted, "t", now=1.0).state != "locked":
        sys.exit()
    with upload.Writer(domain, "new", "t") as writer:
        writer.write(0, b"u" * (1 << 17))
    upload.finish(domain, "new", "t", Alone("j"))
"""
_CALLS = (
    "pwrite64,write,ftruncate,fallocate,fsync,fdatasync,copy_file_range,"
    "rename,renameat,renameat2,unlink,unlinkat,ioctl"
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A domain with one volume, "old", full of "o"."""
    path = tmp_path_factory.mktemp("killed") / "domain"
    with Domain(str(path), make=True) as domain:
        old = {"id": "old", "kind": "leaf", "state": "legal", "format": "raw", "size": SIZE, "generation": 1}
        blank = {"parent": "", "description": "", "created": 1.0, "reason": "", "made": "", "sealed": ""}
        told = {"kind_of_file": "guestwright.volume", "version": 1, "holder": None, "upload": None}
        domain.files.write("old.volume", json.dumps({**old, **blank, **told}).encode())
    (path / "old.raw").write_bytes(b"o" * SIZE)
    return path


def judge(path: Path, verb: str) -> dict[str, Metadata]:
    """What must hold wherever it was killed, before anybody has settled anything."""
    with Domain(str(path)) as domain:
        found = {one.id: one for one in domain.volumes()}
        for name, letter in (
            ("old", b"o"),
            ("new", {"copy": b"o", "upload": b"u", "create": b"\0"}.get(verb, b"")),
        ):
            if name in found and found[name].state is State.LEGAL:
                assert (path / f"{name}.raw").read_bytes() == letter * SIZE, f"{name} is legal, and half-made"
        if "old" in found:
            assert (found["old"].generation, found["old"].description) in {(1, ""), (2, "changed")}
        else:
            assert verb == "delete"
    return found


@pytest.mark.parametrize("verb", ["create", "copy", "update", "delete", "upload"])
def test_killed_at_each_call(original: Path, tmp_path: Path, verb: str) -> None:
    path = tmp_path / "domain"
    argv = [sys.executable, "-c", _VERB, str(ROOT / "src"), str(path), verb]

    def fresh() -> None:
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(original, path)

    fresh()
    calls = writes(argv, calls=_CALLS)
    after = judge(path, verb)
    calls = calls[next((at for at, one in enumerate(calls) if one.name in {"fsync", "rename"}), 0) :]
    assert len(calls) >= 3
    for call in calls:
        fresh()
        if not killed(argv, call):
            continue
        judge(path, verb)
        with Domain(str(path)) as domain:
            settled = recover(domain)
            assert settled.problems == ()
            left = judge(path, verb)
            odd = [item.name for item in listing(domain) if item.name not in settled.uploads]
            assert odd == [], call
            if verb in {"create", "copy"}:
                assert "new" not in left or left["new"].state is State.LEGAL
        if verb != "update":
            subprocess.run(argv, check=True)
            assert judge(path, verb).keys() == after.keys()
