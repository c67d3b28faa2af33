"""Seals hostile images with the program and tells what a hostile image must never bring about."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import ext
from tests.support.fork_server import Ran, Server

MEMORY = 256 << 20
"""Bytes that the program and its children may each use at most; on a good image it is a tenth."""

_ALLOWED = {0, 1, 4}  # sealed; failed with nothing changed; not supported
_DEADLINE = 30.0
_SLIP = re.compile(r"failed: \w+(Error|Exception|Warning)\b")  # a programming mistake, dressed as an error
_CANARY = "canary of the host 7f3a9c\n"
_LINKS = (
    "/etc/hostname-canary",
    "/etc/ssh/ssh_host_canary_key",
    "/root/.canary_history",
    "/tmp/canary",
    "/var/cache/apt/archives/canary.deb",
    "/var/log/canary.log",
)


class Canary:
    """A file of the host that symlinks in a guest name; nobody may read or write it.

    Args:
        directory: where it goes.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "canary"
        self.path.write_text(_CANARY)
        os.utime(self.path, ns=(1, 2))  # an access time before the change time: relatime shows every read
        self._before = self._seen()

    def plant(self, image: str) -> None:
        """Put symlinks to it into an ext image, at places that sealing looks at."""
        commands = [f"symlink {link} {self.path}" for link in _LINKS]
        commands += ["rm /etc/machine-id", f"symlink /etc/machine-id {self.path}"]
        ext.debugfs(image, commands, write=True)

    def offences(self, *texts: str) -> list[str]:
        """Whether it was touched, or shows in texts."""
        found = [] if self._seen() == self._before else ["a file of the host was touched"]
        return found + ["a file of the host shows"] * any(_CANARY.strip() in text for text in texts)

    def _seen(self) -> tuple[int, ...]:
        state = self.path.stat()
        return state.st_ino, state.st_size, state.st_atime_ns, state.st_mtime_ns


@contextmanager
def quick_directory() -> Iterator[Path]:
    """A directory in memory where there is such a place: thousands of images need no disk."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    path = tempfile.mkdtemp(prefix="guestwright-test-", dir=place)
    try:
        yield Path(path)
    finally:
        shutil.rmtree(path)


def offences(
    server: Server, image: Path, *, canary: Canary, offset: int = 0, before: bytes = b""
) -> list[str]:
    """Seal an image in place; what was wrong with how that went ([] when all is as it must be).

    Wrong are: a hang, processes that stay, a traceback or an error of Python's, another exit status than
    sealed, failed or unsupported, too much memory, an image that changed although sealing failed, one that
    e2fsck complains of although it was sealed, files left beside it, and a canary touched or shown.

    Args:
        server: runs the program.
        image: raw image, alone in its directory.
        canary: the file of the host that must be left alone.
        offset: byte where its filesystem starts.
        before: what is in it; read from it when not given.
    """
    before = before or image.read_bytes()
    ran = server.run("seal", "run", "--no-manifest", "--format", "raw", str(image), timeout=_DEADLINE)
    found = _told(ran) + canary.offences(ran.out, ran.err)
    if ran.status != 0 and image.read_bytes() != before:
        found.append(f"exit status {ran.status}, but the image changed")
    if ran.status == 0 and (complaint := ext.check(str(image), offset=offset)):
        found.append(f"sealed, but e2fsck says: {complaint[:500]}")
    if others := sorted(set(os.listdir(image.parent)) - {image.name}):
        found.append(f"left beside the image: {others}")
    return found


def _told(ran: Ran) -> list[str]:
    if ran.hung:
        return [f"hangs for more than {_DEADLINE} s"]
    found = []
    if ran.status not in _ALLOWED:
        found.append(f"exit status {ran.status}: {ran.err[-500:]}")
    if "Traceback" in ran.err or _SLIP.search(ran.err):
        found.append(f"traceback: {ran.err[-1500:]}")
    if ran.status != 0 and not ran.err.strip():
        found.append("failed without a word")
    if ran.memory > MEMORY:
        found.append(f"used {ran.memory >> 20} MiB of memory")
    if ran.left:
        found.append(f"left processes behind: {ran.left}")
    return found
