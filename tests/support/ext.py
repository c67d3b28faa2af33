"""Real ext filesystems to test with, and other people's word on what became of them."""

from __future__ import annotations

import os
import random
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from guestwright.guestfs.port import FileKind, Filesystem

NOW = 1_700_000_000
DISK = Filesystem(id="disk0/p1", type="ext4", size=0)

SHAPES: dict[str, tuple[str, ...]] = {
    "ext2-1k": ("-t", "ext2", "-b", "1024"),
    "ext2-4k": ("-t", "ext2", "-b", "4096"),
    "ext2-small-inode": ("-t", "ext2", "-I", "128"),
    "ext2-no-filetype": ("-t", "ext2", "-O", "^filetype"),
    "ext3-1k": ("-t", "ext3", "-b", "1024"),
    "ext3-4k": ("-t", "ext3", "-b", "4096"),
    "ext4-1k": ("-t", "ext4", "-b", "1024"),
    "ext4-4k": ("-t", "ext4", "-b", "4096"),
    "ext4-64k": ("-t", "ext4", "-b", "65536"),
    "ext4-no-checksums": ("-t", "ext4", "-O", "^metadata_csum"),
    "ext4-descriptor-checksums": ("-t", "ext4", "-O", "^metadata_csum,uninit_bg"),
    "ext4-32bit": ("-t", "ext4", "-O", "^64bit"),
    "ext4-no-extents": ("-t", "ext4", "-O", "^extents,^64bit"),
    "ext4-inline": ("-t", "ext4", "-O", "inline_data"),
    "ext4-inline-1k": ("-t", "ext4", "-b", "1024", "-I", "512", "-O", "inline_data"),
    "ext4-bigalloc": ("-t", "ext4", "-O", "bigalloc", "-C", "16384"),
    "ext4-bigalloc-1k": ("-t", "ext4", "-b", "1024", "-O", "bigalloc", "-C", "16384"),
    "ext4-ea-inode": ("-t", "ext4", "-O", "ea_inode"),
    "ext4-ea-inode-1k": ("-t", "ext4", "-b", "1024", "-O", "ea_inode"),
    "ext4-checksum-seed": ("-t", "ext4", "-O", "metadata_csum_seed"),
    "ext4-orphan-file": ("-t", "ext4", "-O", "orphan_file"),
    "ext4-no-journal": ("-t", "ext4", "-O", "^has_journal"),
    "ext4-sparse-super2": ("-t", "ext4", "-O", "sparse_super2"),
    "ext4-no-flex": ("-t", "ext4", "-O", "^flex_bg"),
    "ext4-meta-group": ("-t", "ext4", "-O", "meta_bg,^resize_inode"),
    "ext4-casefold": ("-t", "ext4", "-O", "casefold"),
    "ext4-project": ("-t", "ext4", "-O", "project"),
    "ext4-large-directories": ("-t", "ext4", "-O", "large_dir"),
    "ext4-linear-directories": ("-t", "ext4", "-O", "^dir_index"),
    "ext4-mmp": ("-t", "ext4", "-O", "mmp"),
    "ext4-fast-commit": ("-t", "ext4", "-O", "fast_commit"),
    "ext4-verity": ("-t", "ext4", "-O", "verity"),
    "ext4-everything": (
        "-t", "ext4", "-b", "1024", "-I", "512", "-O",
        "inline_data,ea_inode,large_dir,metadata_csum_seed,project,sparse_super2,orphan_file",
    ),
}  # fmt: skip


@dataclass
class Node:
    """What the model believes of an inode."""

    kind: FileKind
    data: bytes = b""
    target: str = ""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    xattrs: dict[str, bytes] = field(default_factory=dict)


def make_image(path: Path, *options: str, size: str = "64M", tree: Path | None = None) -> Path:
    """A filesystem of mke2fs, with the files of `tree`."""
    fill = ["-d", str(tree)] if tree else []
    run("mke2fs", "-q", "-F", *options, *fill, str(path), size)
    return path


def run(*argv: str, ok: tuple[int, ...] = (0,)) -> str:
    """Output of a tool; fails the test when it exits with anything but `ok`."""
    environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin", "LC_ALL": "C"}
    done = subprocess.run(argv, capture_output=True, env=environment, check=False)
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert done.returncode in ok, f"{argv} exited with {done.returncode}:\n{text[-3000:]}"
    return text


def assert_clean(image: Path) -> None:
    """E2fsck finds nothing, and changes nothing."""
    run("e2fsck", "-fn", str(image))


def index_directories(image: Path) -> None:
    """Give every directory of more than a block a hash tree."""
    run("e2fsck", "-fyD", str(image), ok=(0, 1))


def dump(image: Path, target: Path) -> Path:
    """All files as debugfs sees them."""
    target.mkdir()
    run("debugfs", "-R", f"rdump / {target}", str(image))
    return target


def attribute(image: Path, path: str, name: str, scratch: Path) -> bytes:
    """One extended attribute as debugfs sees it."""
    scratch.unlink(missing_ok=True)
    run("debugfs", "-R", f'ea_get -f {scratch} "{path}" {name}', str(image))
    return scratch.read_bytes()


def sample_tree(top: Path, *, seed: int = 1, wide: int = 300) -> None:
    """Files of all shapes: empty, tiny, sparse, large, hard links, slow links, odd names, deep and wide."""
    chance = random.Random(seed)
    top.mkdir(exist_ok=True)
    for name in ("etc", "var/log/deep/deeper/deepest", "home/user", "wide", "tmp"):
        (top / name).mkdir(parents=True)
    for index, size in enumerate((0, 1, 59, 60, 61, 100, 160, 1000, 1024, 4096, 5000, 70_000)):
        (top / "etc" / f"file{index}").write_bytes(chance.randbytes(size))
    with (top / "var/log/sparse").open("wb") as sparse:
        for place in (0, 50_000, 300_000, 1_200_000):
            sparse.seek(place)
            sparse.write(b"island" * 300)
    (top / "var/log/large").write_bytes(chance.randbytes(700_000))
    for index in range(wide):
        (top / "wide" / f"entry-{index:04}-{'x' * (index % 40)}").write_bytes(b"%d" % index * (index % 7))
    os.link(top / "etc/file7", top / "home/user/hard")
    os.link(top / "etc/file7", top / "var/log/deep/hard2")
    (top / "etc/fast").symlink_to("../home/user")
    (top / "etc/slow").symlink_to("/" + "long/" * 30 + "end")
    (top / "home/user/new\nline").write_bytes(b"odd")
    (top / "home/user" / os.fsdecode(b"bytes-\xff\xfe")).write_bytes(b"odder")
    (top / "home/user/žluťoučký").write_bytes(b"utf-8")
    os.mkfifo(top / "tmp/pipe")
