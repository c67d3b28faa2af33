"""A redo log is applied to the image that it was made for, and to no other; full disks lose nothing."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from guestwright.disk.chain import Checked
from guestwright.disk.errors import (
    CommitPending,
    HostNoSpace,
    ImageInUse,
    RedoDamaged,
    RedoRefused,
)
from guestwright.disk.formats import Choice, ImageFormat
from guestwright.disk.image import Image, open_image
from guestwright.disk.qemu_nbd import QemuNbd
from guestwright.disk.redo import CommitPart, commit
from guestwright.disk.redo_names import log_path
from tests.support import commit_runs as runs
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("qemu-nbd", "qemu-img")]


def interrupted(work: Path, *formats: str) -> list[Path]:
    """Images with a change that is decided and half applied."""
    paths = [work / f"disk{number}.{name}" for number, name in enumerate(formats)]
    for number, path in enumerate(paths):
        runs.make_image(path, runs.format_of(path), number)
    process = runs.start(1, paths, GUESTWRIGHT_FAILPOINT="applied-one:kill")
    process.communicate()
    assert process.returncode == -9
    return paths


def refusal(path: Path) -> RedoRefused:
    before = path.read_bytes()
    with pytest.raises(RedoRefused) as caught:
        open_image(str(path), format=runs.format_of(path))
    assert path.read_bytes() == before
    assert caught.value.exit_status == 5
    assert log_path(str(path)) in caught.value.message
    assert "delete the log file" in caught.value.advice
    return caught.value


def test_copied_image_is_refused(tmp_path: Path) -> None:
    (path,) = interrupted(tmp_path, "raw")
    shutil.copy(path, tmp_path / "copy")
    os.replace(tmp_path / "copy", path)
    assert "another file" in refusal(path).message


def test_image_that_reuses_the_inode_is_refused(tmp_path: Path) -> None:
    (path,) = interrupted(tmp_path, "raw")
    inode = path.stat().st_ino
    content = path.read_bytes()
    path.unlink()
    for attempt in range(50):
        new = tmp_path / f"new{attempt}"
        new.write_bytes(content)
        if new.stat().st_ino == inode:
            os.replace(new, path)
            assert "another file" in refusal(path).message
            return
    pytest.skip("the filesystem does not use inode numbers again at once")


def test_image_written_over_in_place_is_refused(tmp_path: Path) -> None:
    (path,) = interrupted(tmp_path, "raw")
    with path.open("r+b") as file:
        file.write(b"\xaa" * runs.SIZE)
    assert "changed since" in refusal(path).message


def test_image_in_which_one_sector_changed_since_is_refused(tmp_path: Path) -> None:
    (path,) = interrupted(tmp_path, "raw")
    offset, _ = runs.extents(1, 0)[50]
    with path.open("r+b") as file:
        file.seek(offset + 512)
        file.write(b"guest was started meanwhile")
    assert f"offset {offset + 512}" in refusal(path).message


def test_qcow2_image_that_was_used_since_is_refused(tmp_path: Path) -> None:
    (path,) = interrupted(tmp_path, "qcow2")
    offset, _ = runs.extents(1, 0)[50]
    command = ["qemu-io", "-f", "qcow2", str(path), "-c", f"write -P 9 {offset} 512"]
    deadline = time.monotonic() + 60  # the qemu-nbd of the killed run is just ending, and holds the lock
    while subprocess.run(command, check=False, capture_output=True).returncode:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert "changed since" in refusal(path).message


def test_resized_image_is_refused(tmp_path: Path) -> None:
    (path,) = interrupted(tmp_path, "raw")
    with path.open("r+b") as file:
        file.truncate(runs.SIZE + 4096)
    assert "size" in refusal(path).message


def test_missing_second_image_is_refused(tmp_path: Path) -> None:
    first, second = interrupted(tmp_path, "raw", "raw")
    os.rename(second, tmp_path / "elsewhere")
    assert "not there" in refusal(first).message
    os.rename(tmp_path / "elsewhere", second)
    assert runs.content_of(second) == runs.after(
        runs.make_image(tmp_path / "x.raw", "raw", 1), runs.extents(1, 1)
    )


def test_pointer_to_a_place_that_is_not_mounted_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    first, second = tmp_path / "a" / "0.raw", tmp_path / "1.raw"
    for number, path in enumerate((first, second)):
        runs.make_image(path, "raw", number)
    runs.start(1, [first, second], GUESTWRIGHT_FAILPOINT="applied-one:kill").communicate()
    os.rename(tmp_path / "a", tmp_path / "b")
    with pytest.raises(RedoRefused, match="neither the log nor its image"):
        open_image(str(second))
    os.rename(tmp_path / "b", tmp_path / "a")
    open_image(str(second)).close()
    assert not os.path.lexists(log_path(str(first)))


def test_moved_with_its_log_is_finished(tmp_path: Path) -> None:
    (path,) = interrupted(tmp_path, "raw")
    (tmp_path / "new").mkdir()
    moved = tmp_path / "new" / "other.raw"
    os.rename(path, moved)
    os.rename(log_path(str(path)), log_path(str(moved)))
    old = runs.make_image(tmp_path / "x.raw", "raw", 0)
    assert runs.content_of(moved) == runs.after(old, runs.extents(1, 0))


def test_damaged_log_is_told_apart_from_an_unfinished_one(tmp_path: Path) -> None:
    (path,) = interrupted(tmp_path, "raw")
    log = Path(log_path(str(path)))
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 1
    log.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(RedoDamaged):
        open_image(str(path))
    assert path.read_bytes() == before
    assert log.exists()


@pytest.mark.parametrize("kind", ["symlink", "writable-by-others", "directory"])
def test_planted_log_is_refused(tmp_path: Path, kind: str) -> None:
    (path,) = interrupted(tmp_path, "raw")
    log = Path(log_path(str(path)))
    if kind == "writable-by-others":
        log.chmod(0o666)
    else:
        os.rename(log, tmp_path / "aside")
        if kind == "symlink":
            log.symlink_to(tmp_path / "aside")
        else:
            log.mkdir()
    before = path.read_bytes()
    with pytest.raises(RedoRefused):
        open_image(str(path))
    assert path.read_bytes() == before


def test_log_of_a_stranger_is_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    (path,) = interrupted(tmp_path, "raw")
    os.chown(log_path(str(path)), 65534, 65534)
    assert "belongs to user 65534" in refusal(path).message


def test_images_are_locked_all_the_time(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    runs.make_image(path, "raw", 0)
    seen: list[str] = []

    def look(name: str) -> None:
        with pytest.raises(ImageInUse):
            open_image(str(path))
        done = subprocess.run(
            ["qemu-io", "-f", "raw", path, "-c", "write 0 512"], capture_output=True, text=True, check=False
        )
        assert "lock" in done.stderr + done.stdout
        seen.append(name)

    with open_image(str(path), writable=True) as image:
        commit([CommitPart(image=image, writes=runs.extents(1, 0, count=3))], failpoint=look)
    assert "applied-one" in seen


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of 64 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


def fill(place: Path, *, leave: int) -> Path:
    ballast = place / "ballast"
    free = shutil.disk_usage(place).free
    ballast.write_bytes(bytes(max(0, free - leave)))
    return ballast


@pytest.mark.parametrize("leave", [0, 100 << 10, 900 << 10, 1500 << 10], ids=lambda n: f"{n >> 10}-KiB-free")
@pytest.mark.parametrize("image_format", ["raw", "qcow2"])
def test_full_disk_before_the_mark_changes_nothing(small: Path, image_format: str, leave: int) -> None:
    path = small / f"disk.{image_format}"
    content = runs.make_image(path, image_format, 0)
    ballast = fill(small, leave=leave)
    before = path.read_bytes()
    with open_image(str(path), format=image_format, writable=True) as image:
        with pytest.raises(HostNoSpace):
            commit([CommitPart(image=image, writes=runs.extents(1, 0, count=200))])
        assert image.device.read(0, runs.SIZE) == content
    assert path.read_bytes() == before
    assert sorted(os.listdir(small)) == ["ballast", path.name]
    ballast.unlink()
    with open_image(str(path), format=image_format, writable=True) as image:
        commit([CommitPart(image=image, writes=runs.extents(1, 0, count=200))])
    assert runs.content_of(path) == runs.after(content, runs.extents(1, 0, count=200))


@pytest.mark.parametrize("image_format", ["qcow2", "vmdk"])
def test_full_disk_after_the_mark_is_pending(small: Path, image_format: str) -> None:
    path = small / f"disk.{image_format}"
    content = runs.make_image(path, image_format, 0)
    ballast: list[Path] = []

    def fill_up(name: str) -> None:
        if name == "committed":
            ballast.append(fill(small, leave=0))

    with open_image(str(path), format=image_format, writable=True) as image:
        writes = runs.extents(1, 0)
        with pytest.raises(CommitPending) as caught:
            commit([CommitPart(image=image, writes=writes)], failpoint=fill_up)
    assert caught.value.exit_status == 5
    assert log_path(str(path)) in caught.value.advice
    with pytest.raises(CommitPending):
        open_image(str(path), format=image_format)
    ballast[0].unlink()
    assert runs.content_of(path) == runs.after(content, writes)
    assert sorted(os.listdir(small)) == [path.name]
    if image_format == "qcow2":
        subprocess.run(["qemu-img", "check", "-q", path], check=True)


class Started:
    """A qemu-nbd that runs already, as what an image comes from."""

    def __init__(self, server: QemuNbd) -> None:
        self.connect = server.connect

    def start(self) -> None:
        pass


def test_qemu_nbd_that_dies_while_the_log_is_applied(tmp_path: Path) -> None:
    path = tmp_path / "disk.qcow2"
    content = runs.make_image(path, "qcow2", 0)
    server = QemuNbd(str(path), "qcow2", writable=True)
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    image = Image(
        path=str(path),
        choice=Choice(ImageFormat.QCOW2, stated=True),
        writable=True,
        fd=fd,
        checked=Checked(),
        allowed=(False, False),
        source=Started(server),
        closers=(server.close, partial(os.close, fd)),
    )

    def kill(name: str) -> None:
        if name == "applied-one":
            os.kill(server.pid, signal.SIGKILL)

    with image, pytest.raises(CommitPending, match="closed the connection"):
        commit([CommitPart(image=image, writes=runs.extents(1, 0))], failpoint=kill)
    assert runs.content_of(path) == runs.after(content, runs.extents(1, 0))
    assert os.listdir(tmp_path) == [path.name]


def test_file_size_limit_counts_as_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    content = runs.make_image(path, "raw", 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with open_image(str(path), writable=True) as image:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100 << 10, hard))
        try:
            with pytest.raises(HostNoSpace):
                commit([CommitPart(image=image, writes=runs.extents(1, 0))])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["disk.raw"]
