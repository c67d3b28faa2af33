"""Images of all formats, opened for real: in use, hostile, and after the opener was killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestwright.base.errors import GuestwrightError
from guestwright.disk.errors import (
    ImageCorrupt,
    ImageHasSnapshots,
    ImageInUse,
    ImageNotAlone,
    ImageUnsupported,
)
from guestwright.disk.formats import ImageFormat
from guestwright.disk.image import open_image
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("qemu-nbd", "qemu-img", "qemu-io")]

ROOT = Path(__file__).parents[3]


def qemu_img(*arguments: str | Path) -> None:
    subprocess.run(["qemu-img", *map(str, arguments)], check=True, capture_output=True)


def create(path: Path, image_format: str, *options: str) -> Path:
    qemu_img("create", "-q", "-f", image_format, *options, path, "8M")
    return path


@contextmanager
def in_use(path: Path, image_format: str, *options: str) -> Iterator[None]:
    """Another program has the image open."""
    command = ["qemu-io", *options, "-f", image_format, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("length\n")
        process.stdin.flush()
        process.stdout.readline()
        yield
        process.stdin.write("quit\n")


@pytest.mark.parametrize("image_format", list(ImageFormat))
def test_every_format_is_read_and_written(tmp_path: Path, image_format: str) -> None:
    path = create(tmp_path / "disk", image_format)
    with open_image(str(path), format=image_format, writable=True) as image:
        assert image.device.size >= 8 << 20
        image.device.write(123456, b"hello" * 1000)
        image.device.flush()
    with open_image(str(path), format=image_format) as image:
        assert image.device.read(123456, 5000) == b"hello" * 1000
    done = subprocess.run(
        ["qemu-img", "convert", "-f", image_format, "-O", "raw", path, tmp_path / "out"], check=True
    )
    assert done.returncode == 0
    assert (tmp_path / "out").read_bytes()[123456 : 123456 + 5000] == b"hello" * 1000


@pytest.mark.parametrize("image_format", ["raw", "qcow2"])
@pytest.mark.parametrize("writable", [False, True])
def test_image_of_a_running_machine_is_refused(tmp_path: Path, image_format: str, writable: bool) -> None:
    path = create(tmp_path / "disk", image_format)
    with in_use(path, image_format), pytest.raises(ImageInUse):
        open_image(str(path), format=image_format, writable=writable).device.read(0, 1)


@pytest.mark.parametrize("image_format", ["raw", "qcow2"])
def test_our_image_is_refused_to_qemu(tmp_path: Path, image_format: str) -> None:
    path = create(tmp_path / "disk", image_format)
    for writable in (False, True):
        with open_image(str(path), format=image_format, writable=writable) as image:
            image.device.read(0, 1)
            done = subprocess.run(
                ["qemu-io", "-f", image_format, path, "-c", "write 0 512"],
                capture_output=True,
                text=True,
                check=False,
            )
            assert "lock" in done.stderr + done.stdout


@pytest.mark.parametrize("image_format", ["raw", "qcow2"])
def test_two_of_us(tmp_path: Path, image_format: str) -> None:
    path = str(create(tmp_path / "disk", image_format))
    with open_image(path, format=image_format) as one, open_image(path, format=image_format) as two:
        assert one.device.read(0, 512) == two.device.read(0, 512)
        with pytest.raises(ImageInUse):
            open_image(path, format=image_format, writable=True)
    with open_image(path, format=image_format, writable=True):
        for writable in (False, True):
            with pytest.raises(ImageInUse):
                open_image(path, format=image_format, writable=writable)


def test_snapshots(tmp_path: Path) -> None:
    path = create(tmp_path / "disk.qcow2", "qcow2")
    qemu_img("snapshot", "-c", "before", path)
    with pytest.raises(ImageHasSnapshots):
        open_image(str(path))
    with open_image(str(path), allow_snapshots=True) as image:
        assert "snapshot" in image.warnings[0]


def test_backing_chain(tmp_path: Path) -> None:
    base = create(tmp_path / "base.img", "raw")
    base.write_bytes(b"b" * (8 << 20))
    middle = create(tmp_path / "mid.qcow2", "qcow2", "-b", str(base), "-F", "raw")
    top = create(tmp_path / "top.qcow2", "qcow2", "-b", middle.name, "-F", "qcow2")
    with pytest.raises(ImageNotAlone, match=r"mid\.qcow2"):
        open_image(str(top))
    with open_image(str(top), allow_backing=True, writable=True) as image:
        assert image.device.read(0, 4) == b"bbbb"
        image.device.write(0, b"top!")
        with pytest.raises(ImageInUse):
            open_image(str(base), writable=True)
    assert base.read_bytes()[:4] == b"bbbb"


def test_external_data_file(tmp_path: Path) -> None:
    path = create(tmp_path / "disk.qcow2", "qcow2", "-o", f"data_file={tmp_path / 'data'},data_file_raw=on")
    with pytest.raises(ImageNotAlone, match="external data file"):
        open_image(str(path))
    with open_image(str(path), allow_backing=True, writable=True) as image:
        image.device.write(0, b"data")
        image.device.flush()
        with pytest.raises(ImageInUse):
            open_image(str(tmp_path / "data"), format="raw")
    assert (tmp_path / "data").read_bytes()[:4] == b"data"


HOSTILE = {
    "json": ("qcow2", 'json:{"driver":"file","filename":"/etc/shadow"}'),
    "nbd": ("qcow2", "nbd:unix:/tmp/x"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_protocols_in_backing_files(tmp_path: Path, name: str) -> None:
    image_format, backing = HOSTILE[name]
    path = create(tmp_path / "disk.qcow2", image_format)
    qemu_img("rebase", "-u", "-f", "qcow2", "-b", backing, "-F", "raw", path)
    for allowed, error in ((False, ImageNotAlone), (True, ImageUnsupported)):
        with pytest.raises(error):
            open_image(str(path), allow_backing=allowed)


def test_vmdk_kinds(tmp_path: Path) -> None:
    for kind in ("monolithicFlat", "twoGbMaxExtentSparse", "streamOptimized"):
        path = create(tmp_path / f"{kind}.vmdk", "vmdk", "-o", f"subformat={kind}")
        with pytest.raises(GuestwrightError) as caught:
            open_image(str(path), format="vmdk")
        assert caught.value.exit_status in {2, 4}


def test_junk_with_a_sound_header(tmp_path: Path) -> None:
    path = create(tmp_path / "disk.qcow2", "qcow2")
    with path.open("r+b") as file:
        file.seek(40)
        file.write(b"\xff" * 8)  # the offset of the first table
    with pytest.raises((ImageUnsupported, ImageCorrupt)):
        open_image(str(path)).device.read(0, 1)


def processes(image: Path) -> set[str]:
    """The qemu-nbd processes of this image; other tests run others at the same time."""
    command = ["pgrep", "-f", f"qemu-nbd.*{re.escape(str(image))}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return set(done.stdout.split())


OPENER = """
import sys, time
from guestwright.disk.image import open_image
image = open_image(sys.argv[1], format="qcow2", writable=True)
if sys.argv[2] == "late":
    image.device.write(0, b"x" * 100000)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("when", ["early", "late"])
def test_kill_leaves_no_process_and_a_clean_image(tmp_path: Path, when: str) -> None:
    path = create(tmp_path / "disk.qcow2", "qcow2")
    runtime = Path(tempfile.mkdtemp(prefix="gw", dir="/tmp"))  # a socket's path must be short
    process = subprocess.Popen(
        [sys.executable, "-c", OPENER, path, when],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "XDG_RUNTIME_DIR": str(runtime)},
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    begun = time.monotonic()
    with open_image(str(path), writable=True) as image:
        image.device.read(0, 1)
    assert time.monotonic() - begun < 30
    deadline = time.monotonic() + 60
    while processes(path) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not processes(path)
    runtime.rmdir()  # nothing was left in it
    done = subprocess.run(["qemu-img", "check", "--output=json", path], capture_output=True, check=True)
    assert json.loads(done.stdout).get("leaks", 0) == 0


def test_confined_to_its_files(tmp_path: Path) -> None:
    """A qcow2 that names another file as its data, smuggled past our own check, opens nothing."""
    from guestwright.disk.qemu_nbd import QemuNbd

    (tmp_path / "secret").write_bytes(b"s" * (8 << 20))
    path = create(tmp_path / "disk.qcow2", "qcow2", "-b", str(tmp_path / "secret"), "-F", "raw")
    landlock = subprocess.run(
        [sys.executable, "-c", "from guestwright.confine.landlock import abi; print(abi())"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    if landlock.stdout.strip() == "0":
        pytest.skip("this kernel has no Landlock")
    server = QemuNbd(str(path), "qcow2")
    with pytest.raises(GuestwrightError):
        server.connect()
    server.close()
