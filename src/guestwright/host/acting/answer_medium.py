"""The medium of a sysprep: a CD with the answer file and a label that no other medium has."""

from __future__ import annotations

import secrets
from typing import Final

from guestwright.media.sink import MemorySink
from guestwright.media.tree import MediaFile, MediaTree
from guestwright.media.write import MediaKind, write_medium

_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_RANDOM: Final = 6  # "GW" and these: 8 of the 11 letters that a FAT label has


def new_label() -> str:
    """A label; guests tell by it which medium they see."""
    return "GW" + "".join(secrets.choice(_LETTERS) for _ in range(_RANDOM))


def answer_medium(answers: bytes, filename: str, label: str, time: int) -> bytes:
    """The image. Where it is shown as a disk, it is the same, and agents look there as well.

    Args:
        answers: what is in the file; secret.
        filename: of the file.
        label: see `new_label`.
        time: of the file, seconds since 1970.

    Raises:
        MediaRequestError: the file cannot have this name.
    """
    sink = MemorySink()
    tree = MediaTree(files=(MediaFile(path=f"/{filename}", source=answers),))
    write_medium(MediaKind.CDROM, tree, sink, label=label, time=time, serial=0)
    return sink.getvalue()
