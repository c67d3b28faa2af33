"""A guest full of symlinks to files of the host: none is opened, changed or shown, by strace's word."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab import ext
from tests.support.disks import complaint, converted
from tests.support.images import small_original
from tests.support.program import COMMAND, environment
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("mke2fs", "debugfs", "e2fsck", "strace")]

SECRET = "host-secret-5d1c"
_FILES = (
    "/etc/fstab",
    "/etc/hostname",
    "/etc/machine-id",
    "/etc/resolv.conf",
    "/etc/ssh/ssh_host_rsa_key",
    "/root/.bash_history",
    "/var/log/messages",
    "/var/lib/dbus/machine-id",
    "/etc/sudoers",
)
_DIRECTORIES = ("/var/spool/mail", "/var/tmp", "/var/cache/man", "/tmp/down")


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A directory of the host that a guest could want."""
    path = tmp_path / "precious"
    path.mkdir()
    (path / "file").write_text(SECRET + "\n")
    (path / "log").write_text(SECRET + "\n")
    return path


def planted(host: Path, image: Path, *, relative: bool) -> None:
    up = "../" * 12 if relative else "/"
    known = ext.debugfs(str(image), [f"stat {path}" for path in _FILES if _there(image, path)])
    assert known
    commands = []
    for path in (*_FILES, *_DIRECTORIES):
        if _there(image, path):
            commands.append(f"{'rm' if path in _FILES else 'unlink'} {path}")
        target = host / "file" if path in _FILES else host
        commands.append(f"symlink {path} {up}{str(target).lstrip('/')}")
    ext.debugfs(str(image), commands, write=True)
    # what debugfs leaves of the directories that lost their name
    subprocess.run(["e2fsck", "-fy", image], check=False, capture_output=True)
    assert complaint(image) == ""


def _there(image: Path, path: str) -> bool:
    try:
        ext.debugfs(str(image), [f"stat {path}"])
    except ext.ToolFailed:
        return False
    return True


def content(top: Path) -> dict[str, tuple[bytes, int, int]]:
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode)
        for path in sorted(top.iterdir())
    }


@pytest.mark.parametrize("relative", [False, True], ids=["absolute", "relative"])
def test_no_file_of_the_host_is_touched(host: Path, tmp_path: Path, relative: bool) -> None:
    image, log = converted(Path(small_original().path), tmp_path / "guest.img"), tmp_path / "strace"
    planted(host, image, relative=relative)
    before = content(host)
    options = ["--verbose", "--hostname", "sealed", "--write", "/var/tmp/x:y", "--truncate", "/tmp/down/log"]
    watched = ["strace", "-f", "-qq", "-s", "512", "-e", "trace=%file", "-o", str(log)]
    command = [*COMMAND, "seal", "run", "--allow-missing-mounts", *options, str(image)]
    done = subprocess.run(
        [*watched, *command], env=environment(), capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert done.returncode in {0, 1}, done.stderr
    assert content(host) == before
    calls = log.read_text(errors="replace")
    assert str(image) in calls  # it was watched
    assert str(host) not in calls
    manifest = Path(f"{image}.guestwright-manifest.json")
    texts = [done.stdout, done.stderr, manifest.read_text() if manifest.exists() else ""]
    assert not any(SECRET in text for text in texts)
    assert SECRET.encode() not in image.read_bytes()
    assert complaint(image) == ""


def test_what_would_be_seen(host: Path, tmp_path: Path) -> None:
    """That strace would tell."""
    log = tmp_path / "strace"
    subprocess.run(["strace", "-f", "-qq", "-e", "trace=%file", "-o", log, "cat", host / "file"], check=True)
    assert str(host) in log.read_text()
