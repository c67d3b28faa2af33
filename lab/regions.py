"""Where the metadata of an ext image lies, by dumpe2fs' and debugfs' word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from lab import ext

_MAX_BLOCKS = 64


class Part(StrEnum):
    """What kind of metadata a region is."""

    SUPERBLOCK = "superblock"
    DESCRIPTORS = "group-descriptors"
    BLOCK_BITMAP = "block-bitmap"
    INODE_BITMAP = "inode-bitmap"
    INODE = "inode"
    DIRECTORY = "directory"
    EXTENTS = "extents"
    XATTR = "xattr"
    SYMLINK = "symlink"
    JOURNAL = "journal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A piece of metadata. `offset`, `length` in bytes; `number`: of its inode, or of its group; `block`."""

    part: Part
    offset: int
    length: int
    number: int = 0
    block: int = 0


def regions(image: str) -> list[Region]:
    """All metadata of a bare ext image that a mutation can hit; used inodes only."""
    text = ext.run(["dumpe2fs", image]).decode("utf-8", "replace")
    block = int(_one(r"^Block size:\s+(\d+)", text))
    inode_size = int(_one(r"^Inode size:\s+(\d+)", text) or 128)
    per_group = int(_one(r"^Inodes per group:\s+(\d+)", text))
    found = [Region(part=Part.SUPERBLOCK, offset=1024, length=1024)]
    tables: list[int] = []
    for group, body in enumerate(re.split(r"^Group \d+: ", text, flags=re.MULTILINE)[1:]):
        tables.append(int(_one(r"Inode table at (\d+)", body)))
        if first := re.search(r"Primary superblock at \d+, Group descriptors at (\d+)-(\d+)", body):
            size = (int(first[2]) - int(first[1]) + 1) * block
            found.append(Region(part=Part.DESCRIPTORS, offset=int(first[1]) * block, length=min(size, 256)))
        for part, pattern in (
            (Part.BLOCK_BITMAP, r"Block bitmap at (\d+)"),
            (Part.INODE_BITMAP, r"Inode bitmap at (\d+)"),
        ):
            at = int(_one(pattern, body))
            found.append(Region(part=part, offset=at * block, length=block, number=group, block=at))
    used = int(_one(r"^Inode count:\s+(\d+)", text)) - int(_one(r"^Free inodes:\s+(\d+)", text))
    for inode, told in _stats(image, used + 10).items():
        offset = tables[(inode - 1) // per_group] * block + (inode - 1) % per_group * inode_size
        found.append(Region(part=Part.INODE, offset=offset, length=inode_size, number=inode))
        found += _blocks(inode, told, block)
    return found


def _stats(image: str, last: int) -> dict[int, str]:
    told = ext.debugfs(image, [f"stat <{inode}>" for inode in (2, 8, *range(11, last + 1))])
    parts = re.split(r"^debugfs: stat <(\d+)>$", told, flags=re.MULTILINE)[1:]
    return {
        int(inode): body
        for inode, body in zip(parts[::2], parts[1::2], strict=True)
        if "Links: 0" not in body and "bad type" not in body
    }


def _blocks(inode: int, told: str, block: int) -> list[Region]:
    found = []
    acl = int(_one(r"File ACL: (\d+)", told) or 0)
    if acl:
        found.append(Region(part=Part.XATTR, offset=acl * block, length=block, number=inode, block=acl))
    kind = _one(r"Type: (\w+)", told)
    part = {"directory": Part.DIRECTORY, "symlink": Part.SYMLINK}.get(kind)
    part = Part.JOURNAL if inode == 8 else part
    listed = re.search(r"^(?:EXTENTS|BLOCKS):\n((?:.*\n)*)", told, re.MULTILINE)
    for piece in re.finditer(r"\(([^)]*)\):(\d+)", listed[1] if listed else ""):
        at = int(piece[2])
        where = Part.EXTENTS if piece[1].startswith(("ETB", "IND", "DIND")) else part
        if where is not None and len(found) < _MAX_BLOCKS:
            found.append(Region(part=where, offset=at * block, length=block, number=inode, block=at))
    return found


def _one(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else ""
