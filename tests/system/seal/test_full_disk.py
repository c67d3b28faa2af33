"""A full host: the image stays as it was, or the change is decided and completed once there is room again."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.disks import CLOCK, complaint, converted, digest
from tests.support.fork_server import Server
from tests.support.images import small_original
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("e2fsck", "mke2fs", "debugfs", "qemu-img", "qemu-nbd", "mount")]

_HOST = 64 << 20
_UPLOAD = 3 << 20


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Path]:
    """A host filesystem of 64 MiB, in memory."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a filesystem of limited size")
    path = tmp_path / "host"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_HOST}", "tmpfs", path], check=True)
    yield path
    subprocess.run(["umount", path], check=True)


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """Seals, and puts a file into the guest that fills holes of a sparse image."""
    upload = tmp_path / "upload"
    upload.write_bytes(os.urandom(_UPLOAD))
    return ["seal", "run", "--no-manifest", "--upload", f"{upload}:/srv/upload"]


def fill(host: Path, free: int) -> None:
    """Leave only so many bytes free."""
    state = os.statvfs(host)
    with (host / "ballast").open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, max(4096, state.f_bavail * state.f_frsize - free))


def settle(server: Server, image: Path, status: int, states: dict[str, str]) -> str:
    """Judge how a run on too small a host ended, make room, and let the next command do its part."""
    said = {0: "sealed", 1: "as before", 5: "pending"}[status]
    if said != "pending":
        assert states[digest(image)] == said
        assert [path for path in image.parent.iterdir() if "redo" in path.name] == []
        assert complaint(image) == ""
    (image.parent / "ballast").unlink(missing_ok=True)
    verified = server.run("seal", "verify", str(image), env=CLOCK)
    assert verified.status == (3 if said == "as before" else 0), verified.err
    assert [path for path in image.parent.iterdir() if "redo" in path.name] == []
    assert complaint(image) == ""
    assert states[digest(image)] == ("as before" if said == "as before" else "sealed")
    return said


@pytest.mark.parametrize("suffix", [".img", ".qcow2"])
def test_full_host_filesystem(
    server: Server, host: Path, command: list[str], tmp_path: Path, suffix: str
) -> None:
    original = converted(Path(small_original().path), tmp_path / f"original{suffix}")
    sealed, image = tmp_path / f"sealed{suffix}", host / f"image{suffix}"
    shutil.copyfile(original, sealed)
    assert server.run(*command, str(sealed), env=CLOCK).status == 0
    states = {digest(original): "as before", digest(sealed): "sealed"}
    outcomes: Counter[str] = Counter()
    for free in (0, 4096, 64 << 10, 1 << 20, 2 << 20, 3 << 20, 4 << 20, 5 << 20, 6 << 20, 8 << 20, 24 << 20):
        subprocess.run(["cp", "--sparse=always", original, image], check=True)
        fill(host, free)
        ran = server.run(*command, str(image), env=CLOCK)
        assert not ran.left
        if ran.status:
            assert "space" in ran.err, ran.err
        outcomes[settle(server, image, ran.status, states)] += 1
        image.unlink()
    assert outcomes["as before"] >= 3
    assert outcomes["sealed"] >= 1


@pytest.mark.parametrize("sparse", [True, False], ids=["sparse", "whole"])
def test_file_size_limit(server: Server, command: list[str], arena: Path, sparse: bool) -> None:
    """A limit of the process: the log fits, the end of the image does not."""
    image, sealed = arena / "image.img", arena / "sealed.img"
    copy = ["cp", f"--sparse={'always' if sparse else 'never'}", small_original().path]
    subprocess.run([*copy, sealed], check=True)
    states = {digest(sealed): "as before"}
    assert server.run(*command, str(sealed), env=CLOCK).status == 0
    states[digest(sealed)] = "sealed"
    outcomes: Counter[str] = Counter()
    for megabytes in (1, 2, 4, 5, 6, 8, 12):
        subprocess.run([*copy, image], check=True)
        ran = server.run(*command, str(image), env=CLOCK, limits={"RLIMIT_FSIZE": megabytes << 20})
        assert ran.status == 0 or ran.err.startswith("guestwright: "), ran.err
        outcomes[settle(server, image, ran.status, states)] += 1
    assert outcomes["as before"]
    assert sparse or outcomes["pending"]
