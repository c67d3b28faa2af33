"""Any files. The policy follows oVirt's payload: one for a machine, sizes limited; a name is checked here.

Example: two files, one of them in a folder::

    build([("readme.txt", Input(name="a", data=b"hello")), ("scripts/go.sh", Input(name="b", data=b"..."))])
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from guestwright.base.record import record, replace
from guestwright.media.sources.errors import BadPayload, PayloadTooLarge
from guestwright.media.sources.findings import refuse
from guestwright.media.sources.model import MIB, Form, Input, Payload
from guestwright.media.sources.names import media_path, refuse_clashes
from guestwright.media.sources.text import unbase64
from guestwright.media.tree import FileSource, MediaFile, MediaTree

DEFAULT_LABEL: Final = "PAYLOAD"
_LABEL: Final = re.compile(
    r"[^\W_](?:[\w.-]){0,31}|", re.UNICODE
)  # oVirt's volume id: letters, digits, . _ -


@record
class Limits:
    """What a policy allows.

    Attributes:
        count: files.
        file_bytes: of one file, decoded. oVirt's default is 8192.
        total_bytes: of all together.
    """

    count: int = 1000
    file_bytes: int = 16 * MIB
    total_bytes: int = 64 * MIB


LIMITS: Final = Limits()
OVIRT: Final = Limits(count=1000, file_bytes=8192, total_bytes=1000 * 8192)


def build(
    files: Sequence[tuple[str, Input | FileSource]],
    *,
    label: str = DEFAULT_LABEL,
    limits: Limits = LIMITS,
) -> Payload:
    """Check names and sizes.

    Args:
        files: names from the root of the medium, and what is in them. Two files of one name are an error.
        label: the volume label.
        limits: the policy.

    Raises:
        BadPayload: a name, a size, the label or the number of files is not allowed.
    """
    check_label(label)
    if not files:
        raise refuse("(payload)", "there are no files")
    if len(files) > limits.count:
        problem = f"{len(files)} files are more than the {limits.count} that are allowed"
        raise refuse("(payload)", problem, kind=PayloadTooLarge)
    paths = [media_path(name) for name, _ in files]
    refuse_clashes(paths)
    total = 0
    made = []
    for path, (name, one) in zip(paths, files, strict=True):
        size = one.size if isinstance(one, FileSource) else len(one.data)
        if size > limits.file_bytes:
            problem = f"{size} bytes are more than the {limits.file_bytes} allowed for one file"
            raise refuse(name, problem, kind=PayloadTooLarge)
        total += size
        made.append(MediaFile(path=path, source=one if isinstance(one, FileSource) else one.data))
    if total > limits.total_bytes:
        problem = f"{total} bytes are more than the {limits.total_bytes} allowed in total"
        raise refuse("(payload)", problem, kind=PayloadTooLarge)
    return Payload(form=Form.FILES, label=label, tree=MediaTree(files=tuple(made)))


def build_base64(
    files: Mapping[str, str] | Sequence[tuple[str, str]],
    *,
    label: str = DEFAULT_LABEL,
    limits: Limits = OVIRT,
) -> Payload:
    """As `build`, of contents in base64: the form in which oVirt hands payloads to a host.

    Raises:
        BadPayload: as of `build`; or a content is not base64.
    """
    pairs = list(files.items()) if isinstance(files, Mapping) else list(files)
    made: list[tuple[str, Input | FileSource]] = []
    for name, text in pairs:
        if (
            len(text) > limits.file_bytes * 2 + 1024
        ):  # before decoding: white space is allowed, a flood is not
            raise refuse(name, f"more than the {limits.file_bytes} bytes allowed", kind=PayloadTooLarge)
        data = unbase64(name, text.encode("utf-8", "surrogatepass"))
        made.append((name, Input(name=name, data=data)))
    return build(made, label=label, limits=limits)


def check_label(label: str) -> None:
    """Raise `BadPayload` unless it is a volume label: at most 32 letters, digits, dots, `_` and `-`."""
    if _LABEL.fullmatch(label) is None:
        problem = "a volume label is at most 32 letters, digits, '.', '_', '-', and starts with none of these"
        raise refuse(label[:64], problem, kind=BadPayload)


def scrub(payload: Payload) -> Payload:
    """The same label and names; every file is empty."""
    emptied = tuple(replace(one, source=b"") for one in payload.tree.files)
    return replace(payload, tree=replace(payload.tree, files=emptied), warnings=())
