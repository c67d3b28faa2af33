"""Makes ext2/3/4 filesystems out of directories and reads them with e2fsprogs, without mounting anything."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Sequence

from lab.items.item import Item
from lab.items.systems import ROOT_UUID

UUID = ROOT_UUID
_EPOCH = "1709287872"


class ToolFailed(Exception):
    """A tool of the lab said no; the text is its own."""


def run(argv: Sequence[str], *, stdin: bytes = b"", ok: Sequence[int] = (0,)) -> bytes:
    """Run a tool with a fixed clock and locale; its standard output.

    Raises:
        ToolFailed: its exit status is not in `ok`.
    """
    environment = {
        **os.environ,
        "LC_ALL": "C.UTF-8",
        "E2FSPROGS_FAKE_TIME": _EPOCH,
        "DEBUGFS_PAGER": "__none__",
    }
    environment["PATH"] = os.environ.get("PATH", "/usr/bin") + ":/usr/sbin:/sbin"
    done = subprocess.run(list(argv), input=stdin, capture_output=True, env=environment, check=False)
    if done.returncode not in ok:
        said = (done.stderr + done.stdout).decode("utf-8", "replace").strip()
        raise ToolFailed(f"{' '.join(argv)}: exit status {done.returncode}: {said}")
    return done.stdout


def make(
    image: str,
    directory: str,
    *,
    size: int,
    kind: str = "ext4",
    block: int = 4096,
    features: str = "",
    offset: int = 0,
    extended: str = "",
    uuid: str = UUID,
    label: str = "",
    extra: Sequence[str] = (),
) -> None:
    """Make a filesystem that holds the content of a directory.

    Args:
        image: file to write to; made when missing, else written in place at `offset`.
        directory: its content becomes the filesystem's.
        size: of the filesystem in bytes.
        kind: "ext2", "ext3" or "ext4".
        block: block size in bytes.
        features: as for `mke2fs -O`.
        offset: byte in the image where the filesystem starts.
        extended: as for `mke2fs -E`, added to ours.
        uuid: of the filesystem.
        label: of the filesystem.
        extra: more arguments for mke2fs.
    """
    options = f"hash_seed={uuid},lazy_itable_init=0,lazy_journal_init=0,nodiscard,root_owner=0:0"
    options += f",offset={offset}" if offset else ""
    options += f",{extended}" if extended else ""
    argv = ["mke2fs", "-q", "-F", "-t", kind, "-b", str(block), "-U", uuid, "-E", options, "-d", directory]
    argv += ["-O", features] if features else []
    argv += ["-L", label] if label else []
    run([*argv, *extra, image, f"{size // 1024}k"])


def at(image: str, offset: int) -> str:
    """The name by which e2fsprogs opens a filesystem inside an image."""
    return f"{image}?offset={offset}" if offset else image


def debugfs(image: str, commands: Sequence[str], *, offset: int = 0, write: bool = False) -> str:
    """Run debugfs commands; its output, with the echoed commands.

    Raises:
        ToolFailed: debugfs said something on standard error (its exit status is 0 even when commands fail).
    """
    argv = ["debugfs", *(["-w"] if write else []), "-f", "-", at(image, offset)]
    environment = {
        **os.environ,
        "LC_ALL": "C.UTF-8",
        "DEBUGFS_PAGER": "__none__",
        "E2FSPROGS_FAKE_TIME": _EPOCH,
    }
    environment["PATH"] = os.environ.get("PATH", "/usr/bin") + ":/usr/sbin:/sbin"
    done = subprocess.run(
        argv, input="\n".join([*commands, ""]).encode(), capture_output=True, env=environment, check=False
    )
    said = done.stderr.decode("utf-8", "replace").splitlines()
    complaints = [line for line in said if line and not line.startswith("debugfs ")]
    if done.returncode or complaints:
        raise ToolFailed(f"debugfs {image}: {complaints[:3]}")
    return done.stdout.decode("utf-8", "surrogateescape")


def set_xattrs(image: str, items: Iterable[Item], *, offset: int = 0) -> int:
    """Set the items' extended attributes in a finished filesystem; how many were set.

    Only for paths without symlinked parents, blanks or line breaks (debugfs could not take them).
    """
    todo = [(item.path, name, value) for item in items for name, value in item.xattrs.items()]
    with tempfile.TemporaryDirectory(prefix="lab-xattr-") as scratch:
        commands = []
        for number, (path, name, value) in enumerate(todo):
            source = os.path.join(scratch, str(number))
            with open(source, "wb") as stream:
                stream.write(value)
            commands.append(f"ea_set -f {source} {path} {name}")
        if commands:
            debugfs(image, commands, offset=offset, write=True)
    return len(todo)


def check(image: str, *, offset: int = 0) -> str:
    """What a full read-only `e2fsck -fn` complains about; "" when the filesystem is clean."""
    argv = ["e2fsck", "-fn", at(image, offset)]
    done = subprocess.run(
        argv,
        capture_output=True,
        check=False,
        env={**os.environ, "PATH": os.environ.get("PATH", "/usr/bin") + ":/usr/sbin:/sbin"},
    )
    return "" if done.returncode == 0 else done.stdout.decode("utf-8", "replace") + done.stderr.decode()


def header(image: str, *, offset: int = 0) -> dict[str, str]:
    """The superblock as `dumpe2fs -h` tells it: field name to text."""
    text = run(["dumpe2fs", "-h", at(image, offset)]).decode("utf-8", "replace")
    return {key.strip(): value.strip() for key, value in re.findall(r"^([^:\n]+):(.*)$", text, re.MULTILINE)}
