r"""The guest's /etc/fstab: rows, and which filesystem on the disks a row means.

Source: fstab(5) and libmount's reader (util-linux, libmount/src/tab_parse.c): fields are parted by blanks and
tabs, `\ooo` is an octal byte, a line whose first other character is `#` is a comment. Device names:
Linux Documentation/admin-guide/devices.txt; names below /dev/mapper: lvm(8), where a dash inside a name of a
volume group or logical volume is doubled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from guestwright.base.record import record
from guestwright.guestfs.port import Filesystem

MAX_ROWS: Final = 4096
MAX_LINE: Final = 16384

_OCTAL: Final = re.compile(r"\\([0-3][0-7]{2})")
_HEX: Final = re.compile(r"\\x([0-9a-fA-F]{2})")  # udev's escapes in /dev/disk/by-label
_LETTERED: Final = re.compile(r"/dev/(?:sd|vd|xvd|hd)([a-z]{1,3})([0-9]{1,3})?", re.ASCII)
_NUMBERED: Final = re.compile(r"/dev/(?:nvme([0-9]{1,3})n1|mmcblk([0-9]{1,3}))(?:p([0-9]{1,3}))?", re.ASCII)
_TAGS: Final = {"UUID": "uuid", "LABEL": "label", "PARTUUID": "part_uuid", "PARTLABEL": "part_label"}
_LINKS: Final = {f"/dev/disk/by-{tag.lower()}/": tag for tag in _TAGS}
_MAPPER: Final = "/dev/mapper/"


@record
class Row:
    """One row, escapes decoded.

    Attributes:
        spec: what to mount ("UUID=…", "/dev/vda1").
        mountpoint: where.
        type: filesystem type, "auto" when left out.
        options: the fourth field, "defaults" when left out.
        frequency: of dump(8).
        passno: order of fsck(8), 0 for never.
    """

    spec: str
    mountpoint: str
    type: str = "auto"
    options: str = "defaults"
    frequency: int = 0
    passno: int = 0


def parse(text: str) -> list[Row]:
    """Read an fstab; what is no row is passed over.

    Args:
        text: the file's content, undecodable bytes as lone surrogates.

    Returns:
        The rows in order, at most 4096.
    """
    rows = []
    for line in text.split("\n"):
        if len(line) > MAX_LINE:
            continue
        fields = line.strip("\r").replace("\t", " ").split(" ")
        fields = [field for field in fields if field]
        if len(fields) < 2 or fields[0].startswith("#"):
            continue
        fields = [_decode(field) for field in fields]
        spec, mountpoint, kind, options, frequency, passno = (*fields[:6], *("",) * (6 - len(fields)))
        rows.append(
            Row(
                spec=spec,
                mountpoint=mountpoint,
                type=kind or "auto",
                options=options or "defaults",
                frequency=_number(frequency),
                passno=_number(passno),
            )
        )
        if len(rows) == MAX_ROWS:
            break
    return rows


def match(spec: str, filesystems: Sequence[Filesystem]) -> Filesystem | None:
    """The filesystem that the first field of a row means.

    Args:
        spec: `UUID=`, `LABEL=`, `PARTUUID=`, `PARTLABEL=` (value perhaps quoted), a link below
            /dev/disk/by-{uuid,label,partuuid,partlabel}, a disk or partition by its usual Linux name (the
            disk's letter or number is taken for its position), or a logical volume.
        filesystems: what is on the disks.

    Returns:
        The first that fits; None when none does, or the spec is of another sort (NFS, tmpfs, by-path).
    """
    tag, equals, value = spec.partition("=")
    if equals and tag.upper() in _TAGS:
        return _by_tag(tag.upper(), _unquoted(value), filesystems)
    for prefix, link in _LINKS.items():
        if spec.startswith(prefix):
            return _by_tag(link, _decode_hex(spec.removeprefix(prefix)), filesystems)
    position = _position(spec)
    if position is not None:
        return _first(filesystems, lambda one: (one.disk, one.partition) == position)
    if spec.startswith("/dev/"):
        return _first(filesystems, lambda one: spec in _lvm_names(one.id))
    return None


def _by_tag(tag: str, value: str, filesystems: Sequence[Filesystem]) -> Filesystem | None:
    if not value:
        return None
    name = _TAGS[tag]
    if tag.endswith("LABEL"):
        return _first(filesystems, lambda one: getattr(one, name) == value)
    folded = value.lower()
    return _first(filesystems, lambda one: getattr(one, name).lower() == folded)


def _position(spec: str) -> tuple[int, int] | None:
    """Disk index and partition number (0 for the whole disk) of a device name."""
    lettered = _LETTERED.fullmatch(spec)
    if lettered:
        disk = 0
        for letter in lettered[1]:
            disk = disk * 26 + ord(letter) - ord("a") + 1
        return disk - 1, int(lettered[2] or 0)
    numbered = _NUMBERED.fullmatch(spec)
    if numbered:
        return int(numbered[1] or numbered[2] or 0), int(numbered[3] or 0)
    return None


def _lvm_names(filesystem: str) -> tuple[str, ...]:
    """The device names of a logical volume with the id "lvm:group/volume"."""
    kind, _, rest = filesystem.partition(":")
    group, slash, volume = rest.partition("/")
    if kind != "lvm" or not slash:
        return ()
    mapped = f"{group.replace('-', '--')}-{volume.replace('-', '--')}"
    return f"/dev/{group}/{volume}", _MAPPER + mapped


def _first(filesystems: Sequence[Filesystem], fits: Callable[[Filesystem], bool]) -> Filesystem | None:
    return next((one for one in filesystems if fits(one)), None)


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _decode(field: str) -> str:
    return _recoded(_OCTAL.sub(lambda found: _byte(int(found[1], 8), found[0]), field))


def _decode_hex(name: str) -> str:
    return _recoded(_HEX.sub(lambda found: _byte(int(found[1], 16), found[0]), name))


def _byte(value: int, escape: str) -> str:
    """The byte as a character, high ones as lone surrogates; NUL stays an escape."""
    if not value:
        return escape
    return chr(value) if value < 0x80 else chr(0xDC00 + value)


def _recoded(text: str) -> str:
    """Let bytes that form UTF-8 together become characters."""
    if text.isascii():
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # surrogates that no decoder of file content leaves
        return text
