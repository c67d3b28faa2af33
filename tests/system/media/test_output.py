"""Images are created whole, private, or not at all; and are destroyed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from guestwright.media import output
from guestwright.media.errors import MediaOutputError
from guestwright.media.output import create, destroy, sweep
from tests.support.program import running

pytestmark = pytest.mark.system
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def bits(path: Path | int) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def test_the_image_appears_whole_and_private(tmp_path: Path) -> None:
    out = tmp_path / "payload.iso"
    old = os.umask(0)
    try:
        with create(str(out)) as descriptor:
            assert bits(descriptor) == 0o600
            os.write(descriptor, b"secret")
            assert not out.exists()
            assert [bits(one) for one in tmp_path.iterdir()] == [0o600]
    finally:
        os.umask(old)
    assert out.read_bytes() == b"secret"
    assert bits(out) == 0o600
    assert out.stat().st_nlink == 1
    assert list(tmp_path.iterdir()) == [out]


@AS_ROOT
def test_owner_and_mode_are_final_before_the_first_byte(tmp_path: Path) -> None:
    out = tmp_path / "payload.iso"
    with create(str(out), owner=(1234, 5678), mode=0o640) as descriptor:
        about = os.fstat(descriptor)
        assert (about.st_uid, about.st_gid, stat.S_IMODE(about.st_mode), about.st_size) == (
            1234,
            5678,
            0o640,
            0,
        )
    assert (out.stat().st_uid, out.stat().st_gid, bits(out)) == (1234, 5678, 0o640)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit], ids=lambda one: one.__name__)
def test_what_fails_leaves_nothing_and_is_overwritten(tmp_path: Path, error: type[BaseException]) -> None:
    def fail() -> None:
        with create(str(tmp_path / "payload.iso")) as descriptor:
            os.write(descriptor, b"secret")
            (part,) = tmp_path.iterdir()
            os.link(part, tmp_path / "watcher")
            raise error

    with pytest.raises(error):
        fail()
    # The other link shows what became of the blocks.
    assert [one.name for one in tmp_path.iterdir()] == ["watcher"]
    assert (tmp_path / "watcher").read_bytes() == b""


def test_an_existing_image_is_kept_unless_it_may_be_replaced(tmp_path: Path) -> None:
    out = tmp_path / "payload.iso"
    out.write_bytes(b"old")

    def write(*, replace: bool) -> None:
        with create(str(out), replace=replace) as descriptor:
            os.write(descriptor, b"new")

    with pytest.raises(MediaOutputError, match="exists already"):
        write(replace=False)
    assert out.read_bytes() == b"old"
    write(replace=True)
    assert out.read_bytes() == b"new"


def test_one_that_came_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    out = tmp_path / "payload.iso"

    def write() -> None:
        with create(str(out)) as descriptor:
            os.write(descriptor, b"ours")
            out.write_bytes(b"theirs")

    with pytest.raises(MediaOutputError, match="File exists"):
        write()
    assert out.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [out]


PLACES: dict[str, tuple[Callable[[Path], object], str]] = {
    "link": (lambda path: path.symlink_to("/etc/passwd"), "not a regular file"),
    "dangling link": (lambda path: path.symlink_to("/nowhere/at/all"), "not a regular file"),
    "folder": (Path.mkdir, "not a regular file"),
    "pipe": (os.mkfifo, "not a regular file"),
}


@pytest.mark.parametrize(("make", "problem"), PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("replace", [False, True])
def test_nothing_is_created_through_what_is_no_file(
    tmp_path: Path, make: Callable[[Path], object], problem: str, replace: bool
) -> None:
    out = tmp_path / "payload.iso"
    make(out)
    with pytest.raises(MediaOutputError, match=problem), create(str(out), replace=replace):
        pytest.fail("it was created")


@pytest.mark.parametrize("path", ["", "/", ".", "..", "a/", "a/..", "nul\0", "/nowhere/at/all/x"])
def test_bad_places_are_errors(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MediaOutputError), create(path):
        pytest.fail("it was created")
    assert not list(tmp_path.iterdir())


def test_destroy_overwrites_then_removes(tmp_path: Path) -> None:
    out = tmp_path / "payload.iso"
    out.write_bytes(b"secret" * 100_000)
    os.link(out, tmp_path / "watcher")
    seen: list[bytes] = []
    original = os.ftruncate

    def watching(descriptor: int, length: int) -> None:
        seen.append(os.pread(descriptor, 600_000, 0))
        original(descriptor, length)

    output.os.ftruncate = watching  # type: ignore[attr-defined] # put back below; shows the moment before the cut
    try:
        assert destroy(str(out))
    finally:
        output.os.ftruncate = original  # type: ignore[attr-defined] # as above
    assert seen == [bytes(600_000)]
    assert not out.exists()
    assert not destroy(str(out))
    assert not destroy(str(tmp_path / "none" / "x"))


@pytest.mark.parametrize(("make", "_"), PLACES.values(), ids=PLACES)
def test_destroy_touches_files_only(tmp_path: Path, make: Callable[[Path], object], _: str) -> None:
    out = tmp_path / "payload.iso"
    make(out)
    with pytest.raises(MediaOutputError, match=r"link|regular|directory"):
        destroy(str(out))
    assert os.path.lexists(out)


def test_kill_leaves_no_image_under_its_name(tmp_path: Path) -> None:
    out = tmp_path / "payload.iso"
    program = f"""
        import os, time
        from guestwright.media.output import create
        with create({str(out)!r}) as descriptor:
            os.write(descriptor, b"secret")
            print("written", flush=True)
            time.sleep(60)
    """
    with running(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, cwd=tmp_path
    ) as child:
        assert child.stdout
        assert child.stdout.readline() == b"written\n"
        child.send_signal(signal.SIGKILL)
    assert not out.exists()
    assert [bits(one) for one in tmp_path.iterdir()] == [0o600]
    (tmp_path / "other").touch()
    with create(str(out)) as descriptor:
        os.write(descriptor, b"living")
        assert sweep(str(tmp_path)) == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == ["other", "payload.iso"]
    assert sweep(str(tmp_path)) == 0
    with pytest.raises(MediaOutputError):
        sweep(str(tmp_path / "none"))
