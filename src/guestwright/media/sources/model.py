"""A payload: the tree of files a guest is given, its volume label, and what the checks had to say.

Theory of operation: a source (`sources/`) turns inputs into a `Payload` or refuses them; nothing is written
before all inputs are checked. The writers of `media` then turn the tree into a CD or a floppy.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from guestwright.base.record import record
from guestwright.media.sources.errors import Finding
from guestwright.media.tree import FileSource, MediaFile, MediaTree

MIB: Final = 1024 * 1024


class Form(StrEnum):
    """Who reads the payload, and how."""

    UNATTEND = "unattend"
    NOCLOUD = "nocloud"
    CONFIGDRIVE = "configdrive"
    IGNITION = "ignition"
    FILES = "files"


@record
class Payload:
    """What goes on the medium.

    Attributes:
        form: which source made it.
        label: the volume label that its reader looks for; empty for none.
        tree: the files.
        warnings: what its author should know.
    """

    form: Form
    label: str
    tree: MediaTree
    warnings: tuple[Finding, ...] = ()


@record
class Input:
    """One input of a source.

    Attributes:
        name: for messages: the file it came from.
        data: its content; not shown.
    """

    name: str
    data: bytes


def tree_of(files: Iterable[tuple[str, bytes]]) -> MediaTree:
    """A tree of files that stand in memory.

    Args:
        files: paths from the root ("/a/b") with contents.
    """
    return MediaTree(files=tuple(MediaFile(path=path, source=data) for path, data in files))


def contents(tree: MediaTree) -> dict[str, bytes]:
    """Paths and contents of files that stand in memory; those on the host are left out."""
    return {one.path: one.source for one in tree.files if not isinstance(one.source, FileSource)}
