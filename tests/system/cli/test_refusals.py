"""Images that must not be touched: each is refused with the right exit status, in words that help."""

from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.liars import mbr
from tests.support.disks import complaint, converted
from tests.support.fork_server import Server
from tests.support.forked import forked
from tests.support.images import small_original
from tests.support.program import guestwright, start
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("mke2fs", "debugfs", "e2fsck", "qemu-img", "qemu-nbd", "qemu-io")]

_READY = 60.0


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return converted(Path(small_original().path), tmp_path / "guest.img")


@pytest.fixture
def qcow2(tmp_path: Path) -> Path:
    return converted(Path(small_original().path), tmp_path / "guest.qcow2")


def refused(server: Server, image: Path, *options: str, status: int, command: str = "run") -> str:
    """What the program says when it refuses an image, which it must leave as it is."""
    before = image.read_bytes() if image.is_file() else b""
    beside = sorted(image.parent.iterdir())
    ran = server.run("seal", command, *options, str(image))
    assert ran.status == status, ran
    assert ran.err.startswith("guestwright: "), ran.err
    assert os.path.realpath(image) in ran.err or "disk0" in ran.err
    assert (image.read_bytes() if image.is_file() else b"") == before
    assert sorted(image.parent.iterdir()) == beside
    return ran.err


@contextmanager
def running(command: list[str]) -> Iterator[None]:
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=_READY)


def wait_until_locked(image: Path) -> None:
    """Until some process may write to the image: byte 101 is locked (RAW_PL_WRITE of QEMU's file-posix.c)."""
    pattern = re.compile(rf":{image.stat().st_ino} (\d+) (\d+)$", re.MULTILINE)
    deadline = time.monotonic() + _READY
    while True:
        held = pattern.findall(Path("/proc/locks").read_text())
        if any(int(first) <= 101 <= int(last) for first, last in held):
            return
        assert time.monotonic() < deadline, "the other program did not start"
        time.sleep(0.02)


def holder(kind: str, image: Path) -> list[str]:
    image_format = "qcow2" if image.suffix == ".qcow2" else "raw"
    drive = f"file={image},format={image_format},if=virtio"
    return {
        "qemu": [
            *("qemu-system-x86_64", "-accel", "tcg", "-S", "-display", "none", "-nodefaults", "-m", "64"),
            *("-drive", drive),
        ],
        "qemu-io": ["qemu-io", "-f", image_format, str(image)],
        "qemu-nbd": ["qemu-nbd", "-f", image_format, "-k", f"/tmp/gw-{os.getpid()}.sock", "-t", str(image)],
    }[kind]


@needs("qemu-system-x86_64")
@pytest.mark.parametrize("kind", ["qemu", "qemu-io", "qemu-nbd"])
@pytest.mark.parametrize("suffix", ["img", "qcow2"])
def test_an_image_in_use(server: Server, raw: Path, qcow2: Path, kind: str, suffix: str) -> None:
    image = raw if suffix == "img" else qcow2
    before = image.read_bytes()
    with running(holder(kind, image)):
        wait_until_locked(image)
        for command in ("plan", "run", "verify"):
            ran = server.run("seal", command, str(image))
            assert ran.status == 1
            assert f"{image} is in use" in ran.err
            assert "shut the machine down" in ran.err
    assert image.read_bytes() == before
    assert server.run("seal", "run", str(image)).status == 0


def test_two_runs_at_once_do_not_meet(raw: Path) -> None:
    """The second is refused, or finds the work done; never both at once."""
    processes = [start(["seal", "run", "--no-manifest", str(raw)]) for _ in range(3)]
    ends = [(process.communicate()[1], process.returncode) for process in processes]
    assert {status for _, status in ends} <= {0, 1}
    assert any(status == 0 for _, status in ends)
    assert all(b"is in use" in said for said, status in ends if status == 1)
    assert complaint(raw) == ""


def test_a_raw_image_that_begins_like_qcow2(server: Server, tmp_path: Path) -> None:
    """Only the stated format counts: a guest can write any header into its own disk (CVE-2010-3851)."""
    image = tmp_path / "disk.img"
    inner = converted(Path(small_original().path), tmp_path / "x.qcow2")
    image.write_bytes(inner.read_bytes())
    said = refused(server, image, status=2)
    assert "begins like qcow2" in said
    assert "--format qcow2" in said
    assert "no Linux root filesystem" in refused(server, image, "--format", "raw", status=4)


def test_a_qcow2_image_that_is_none(server: Server, raw: Path) -> None:
    image = raw.rename(raw.with_suffix(".qcow2"))
    assert "expected format qcow2" in refused(server, image, status=2)


def test_backing_file(server: Server, qcow2: Path, tmp_path: Path) -> None:
    image = tmp_path / "top.qcow2"
    create = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(qcow2), str(image)]
    subprocess.run(create, check=True)
    base = qcow2.read_bytes()
    said = refused(server, image, status=4)
    assert "backing file" in said
    assert "--allow-backing" in said
    assert server.run("seal", "run", "--allow-backing", "--no-manifest", str(image)).status == 0
    assert qcow2.read_bytes() == base
    assert server.run("seal", "verify", "--allow-backing", str(image)).status == 0
    assert server.run("seal", "verify", str(qcow2)).status == 3


def test_backing_file_of_the_host(server: Server, tmp_path: Path) -> None:
    """The name in the header is never opened unless allowed: not even a device or a pipe."""
    pipe, image = tmp_path / "pipe", tmp_path / "top.qcow2"
    os.mkfifo(pipe)
    create = [
        "qemu-img",
        "create",
        "-q",
        "-u",
        "-f",
        "qcow2",
        "-F",
        "raw",
        "-b",
        str(pipe),
        str(image),
        "16M",
    ]
    subprocess.run(create, check=True)
    refused(server, image, status=4)
    allowed = server.run("seal", "plan", "--allow-backing", str(image), timeout=10)
    assert not allowed.hung
    assert allowed.status in {1, 4}


def test_external_data_file(server: Server, raw: Path, tmp_path: Path) -> None:
    image, data = tmp_path / "ext.qcow2", tmp_path / "data.raw"
    options = f"data_file={data},data_file_raw=on"
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-o", options, raw, image], check=True)
    assert "data file" in refused(server, image, status=4)


def test_internal_snapshot(server: Server, qcow2: Path) -> None:
    subprocess.run(["qemu-img", "snapshot", "-c", "before", qcow2], check=True)
    said = refused(server, qcow2, status=4)
    assert "1 internal snapshot" in said
    assert "--allow-snapshots" in said
    assert server.run("seal", "run", "--allow-snapshots", "--no-manifest", str(qcow2)).status == 0


def ntfs(path: Path) -> None:
    path.write_bytes(bytes(16 << 20))
    subprocess.run(["mkfs.ntfs", "-F", "-q", path], check=True, capture_output=True)


def luks(path: Path) -> None:
    path.write_bytes(bytes(32 << 20))
    subprocess.run(
        [
            *("cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--pbkdf", "pbkdf2"),
            *("--pbkdf-force-iterations", "1000", "--key-file", "-", str(path)),
        ],
        input=b"x",
        check=True,
    )


def bitlocker(path: Path) -> None:
    boot = bytearray(512)
    boot[:11] = b"\xeb\x58\x90-FVE-FS-"
    struct.pack_into("<HB", boot, 11, 512, 8)
    boot[510:] = b"\x55\xaa"
    path.write_bytes(bytes(boot) + bytes(16 << 20))


def hibernated(path: Path) -> None:
    page = bytearray(4096)
    page[-10:] = b"S1SUSPEND\0"
    path.write_bytes(bytes(page) + bytes(1 << 20))


@needs("mkfs.ntfs", "cryptsetup")
@pytest.mark.parametrize(
    ("make", "says", "advice"),
    [
        (ntfs, "Windows", "sysprep"),
        (bitlocker, "Windows", "sysprep"),
        (luks, "encrypted", "key"),
        (hibernated, "hibernated", "shut"),
    ],
)
@pytest.mark.parametrize("partitioned", [False, True], ids=["bare", "mbr"])
def test_guests_that_cannot_be_sealed(
    server: Server, tmp_path: Path, make: object, says: str, advice: str, partitioned: bool
) -> None:
    assert callable(make)
    image = tmp_path / "guest.img"
    make(image)
    if partitioned:
        image.write_bytes(mbr(image.read_bytes()))
    for command in ("plan", "run", "verify"):
        said = refused(server, image, status=4, command=command)
        assert says in said
        assert advice in said


def test_nothing_at_the_path(server: Server, tmp_path: Path) -> None:
    assert "no such file" in refused(server, tmp_path / "none.img", status=1)


@pytest.mark.parametrize("kind", ["directory", "pipe", "empty", "dangling"])
def test_no_disk_at_the_path(server: Server, tmp_path: Path, kind: str) -> None:
    image = tmp_path / "it.img"
    if kind == "directory":
        image.mkdir()
    elif kind == "pipe":
        os.mkfifo(image)
    elif kind == "dangling":
        image.symlink_to(tmp_path / "nowhere")
    else:
        image.touch()
    refused(server, image, status=1)


def test_a_name_that_does_not_tell_the_format(server: Server, raw: Path) -> None:
    image = raw.rename(raw.with_suffix(".disk"))
    said = refused(server, image, status=2)
    assert "--format" in said
    assert server.run("seal", "plan", "--format", "raw", str(image)).status == 0


@pytest.fixture
def public(arena: Path) -> Path:
    """A directory of an ordinary user's, with an image."""
    if os.geteuid() != 0:
        pytest.skip("an ordinary user cannot become another one")
    arena.parent.chmod(0o755)
    converted(Path(small_original().path), arena / "guest.img")
    for path in (arena, arena / "guest.img"):
        os.chown(path, 65534, 65534)
    return arena / "guest.img"


def test_an_ordinary_user_may_not(public: Path) -> None:
    os.chown(public, 0, 0)
    public.chmod(0o600)

    def body() -> str:
        ran = guestwright("seal", "plan", str(public))
        return f"{ran.status} {ran.err}"

    outcome = forked(body, identity="nobody")
    assert outcome.text.startswith(f"1 guestwright: disk image {public}: permission denied"), outcome


def test_an_ordinary_user_can_seal_an_image_of_its_own(public: Path) -> None:
    def body() -> str:
        runs = [guestwright("seal", command, str(public)) for command in ("plan", "run", "verify")]
        return " ".join(f"{ran.status}{ran.err}" for ran in runs)

    assert forked(body, identity="nobody").text == "0 0 0"
    assert complaint(public) == ""
