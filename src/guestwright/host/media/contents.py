"""Contents of a payload as one run of bytes, and back.

Theory of operation: a line of JSON with names, modes and sizes, then the contents one after the other. Files
that lie on the host are read, as they may be gone when the payload is shown.
"""

from __future__ import annotations

import json
from typing import Final

from guestwright.host.media.errors import PayloadContentsTooBig
from guestwright.media.sink import MemorySink
from guestwright.media.sources.model import Form, Payload
from guestwright.media.tree import FileSource, MediaFile, MediaTree

CONTENTS_MAX: Final = 32 * 1024 * 1024
"""Bytes of all files of a payload: what is shown lies in memory, once more while it is encrypted."""


def pack(payload: Payload) -> bytes:
    """A payload as bytes.

    Raises:
        PayloadContentsTooBig: see there.
        MediaSourceError: a file of the host cannot be read.
    """
    size = sum(one.size for one in payload.tree.files)
    if size > CONTENTS_MAX:
        raise PayloadContentsTooBig(size=size, most=CONTENTS_MAX)
    head = {
        "form": payload.form,
        "label": payload.label,
        "files": [[one.path, one.mode, one.size] for one in payload.tree.files],
        "directories": list(payload.tree.directories),
    }
    return b"".join([json.dumps(head).encode(), b"\n", *(_bytes(one.source) for one in payload.tree.files)])


def unpack(data: bytes) -> Payload:
    """What `pack` made.

    Raises:
        ValueError, KeyError: it is something else.
    """
    line, _, rest = data.partition(b"\n")
    head = json.loads(line)
    files, at = [], 0
    for path, mode, size in head["files"]:
        files.append(MediaFile(path=path, mode=mode, source=rest[at : at + size]))
        at += size
    if at != len(rest):
        raise ValueError("sizes do not add up")
    tree = MediaTree(files=tuple(files), directories=tuple(head["directories"]))
    return Payload(form=Form(head["form"]), label=head["label"], tree=tree)


def _bytes(source: bytes | FileSource) -> bytes:
    if isinstance(source, bytes):
        return source
    sink = MemorySink()
    sink.copy(source)
    return sink.getvalue()
