"""Small guest images (8 to 32 MiB) in many variants of ext2, ext3 and ext4, made in a blink.

from lab import small
tree = small.plant_tree(directory, "debian12")
small.image("x.img", tree, "ext4-1k")
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import ext
from lab.artefacts import Item, guest_path, plant, tree

_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """How a filesystem is made: arguments of `lab.ext.make`."""

    kind: str = "ext4"
    block: int = 4096
    features: str = ""
    size: int = 16 * _MIB
    extended: str = ""
    extra: tuple[str, ...] = ()
    dirty_journal: bool = False
    indexed: bool = False


VARIANTS: dict[str, Variant] = {
    "ext2": Variant(kind="ext2"),
    "ext2-1k": Variant(kind="ext2", block=1024),
    "ext2-rev0-ish": Variant(
        kind="ext2", block=1024, features="^dir_index,^resize_inode,^filetype,^sparse_super"
    ),
    "ext3": Variant(kind="ext3"),
    "ext3-1k": Variant(kind="ext3", block=1024),
    "ext4": Variant(),
    "ext4-1k": Variant(block=1024),
    "ext4-2k": Variant(block=2048),
    "ext4-no-csum": Variant(features="^metadata_csum"),
    "ext4-uninit-bg": Variant(features="^metadata_csum,uninit_bg"),
    "ext4-32bit": Variant(features="^64bit"),
    "ext4-no-extent": Variant(features="^extent,^64bit"),
    "ext4-no-journal": Variant(features="^has_journal"),
    "ext4-inline": Variant(features="inline_data"),
    "ext4-bigalloc": Variant(features="bigalloc", block=1024, extra=("-C", "8192"), size=32 * _MIB),
    "ext4-ea-inode": Variant(features="ea_inode"),
    "ext4-inode128": Variant(extra=("-I", "128")),
    "ext4-csum-seed": Variant(features="metadata_csum_seed"),
    "ext4-orphan-file": Variant(features="orphan_file"),
    "ext4-no-flex": Variant(features="^flex_bg", block=1024),
    "ext4-meta-bg": Variant(features="meta_bg,^resize_inode", block=1024),
    "ext4-large-dir": Variant(features="large_dir"),
    "ext4-casefold": Variant(features="casefold", extended="encoding=utf8"),
    "ext4-quota": Variant(features="quota"),
    "ext4-project": Variant(features="project,quota"),
    "ext4-htree": Variant(block=1024, indexed=True),
    "ext4-journal": Variant(dirty_journal=True),
    "ext3-journal": Variant(kind="ext3", block=1024, dirty_journal=True),
}

REPLAYED = b"written by the journal\n"
"""What /etc/journalled holds once the journal of a `dirty_journal` variant was replayed; before: tildes."""


def plant_tree(directory: str, system: str = "debian12", *, beyond: bool = True) -> list[Item]:
    """Make a small dirty guest's tree in an empty directory; one tree serves many images."""
    os.makedirs(directory, exist_ok=True)
    items = tree(system, beyond=beyond)
    items.append(Item(path="/etc/journalled", content=b"~" * len(REPLAYED)))
    plant(directory, items)
    return items


def image(
    path: str, directory: str, variant: str = "ext4", *, items: list[Item] | None = None, xattrs: bool = True
) -> None:
    """Make an image of one bare filesystem.

    Args:
        path: file to make.
        directory: as `plant_tree` left it.
        variant: a key of `VARIANTS`.
        items: what `plant_tree` returned; None makes the default list again.
        xattrs: also set the items' extended attributes (not on inline data, where 1.47.0's debugfs cannot).
    """
    how = VARIANTS[variant]
    if os.path.exists(path):
        os.unlink(path)
    ext.make(
        path,
        directory,
        size=how.size,
        kind=how.kind,
        block=how.block,
        features=how.features,
        extended=how.extended,
        extra=how.extra,
    )
    if xattrs:
        ext.set_xattrs(path, items if items is not None else tree())
    if "ea_inode" in how.features:
        big = Item(path="/srv/ea-inode", xattrs={"user.large": b"L" * 20_000})
        gone = Item(path="/var/log/ea-inode.log", xattrs={"user.large": b"M" * 20_000})
        ext.debugfs(
            path, ["write /dev/null /srv/ea-inode", "write /dev/null /var/log/ea-inode.log"], write=True
        )
        ext.set_xattrs(path, [big, gone])
    if "ea_inode" in how.features or "quota" in how.features:  # debugfs leaves the counts of both behind
        ext.run(["e2fsck", "-fy", path], ok=(0, 1))
    if how.indexed:
        ext.run(["e2fsck", "-fyD", path], ok=(0, 1))
    if how.dirty_journal:
        dirty_journal(path, how.block)


def dirty_journal(path: str, block: int, *, offset: int = 0) -> None:
    """Leave a committed transaction in the journal that was never written home: /etc/journalled's only block.

    The filesystem then has `needs_recovery` set, as after a crash. Written with debugfs' journal commands.
    """
    found = ext.debugfs(path, ["blocks /etc/journalled"], offset=offset)
    number = int(found.split()[-1])
    payload = path + ".journal-block"
    with open(payload, "wb") as stream:
        stream.write(REPLAYED.ljust(block, b"\0"))
    try:
        ext.debugfs(path, ["jo", f"jw -b {number} {payload}", "jc"], offset=offset, write=True)
    finally:
        os.unlink(payload)


def pack(top: Path, items: Sequence[Item], tar: Path) -> None:
    """A tar of a planted tree, with the extended attributes that a host lets its user set."""
    for item in items:
        for name, value in item.xattrs.items():
            if os.geteuid() == 0 or name.startswith("user."):
                os.setxattr(guest_path(str(top), item.path), name, value, follow_symlinks=False)
    words = ["--xattrs", "--xattrs-include=*", "--format=posix", "--numeric-owner"]
    ext.run(["tar", *words, "-C", str(top), "-cf", str(tar), "."])
