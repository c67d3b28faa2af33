"""From libguestfs' errors to those of the port."""

from __future__ import annotations

import errno
from types import TracebackType
from typing import Final

from guestwright.guestfs.drivers.appliance.handle import CallFailed
from guestwright.guestfs.errors import (
    AlreadyExists,
    Corrupt,
    GuestFSError,
    NoSpace,
    NotFound,
    TooLarge,
    TooManyLinks,
    WrongKind,
)

_MISSING: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENODATA})
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_DAMAGED: Final = frozenset({errno.EUCLEAN, errno.EIO, errno.EBADMSG})
_BIG: Final = frozenset({errno.ENAMETOOLONG, errno.EFBIG, errno.E2BIG, errno.ERANGE})


def translate(problem: CallFailed, *, filesystem: str, path: str = "") -> GuestFSError:
    """The port's error for a failed call.

    Args:
        problem: what libguestfs said.
        filesystem: id of the filesystem it was about.
        path: in the guest; "" where `Tree` will put it in.

    Returns:
        The error to raise.
    """
    code = problem.errno
    if code in _MISSING:
        return NotFound(path=path)
    if code == errno.EEXIST:
        return AlreadyExists(path=path)
    if code == errno.EISDIR:
        return WrongKind(path=path, found="directory", expected="file")
    if code == errno.ELOOP:
        return TooManyLinks(path=path, limit=40)
    if code in _FULL:
        return NoSpace(path=path)
    if code in _DAMAGED:
        return Corrupt(path=path, filesystem=filesystem, detail=problem.detail)
    if code in _BIG:
        return TooLarge(path=path, size=problem.detail, limit="what Linux takes")
    return GuestFSError(path=path, detail=problem.detail or "the appliance refused without a reason")


class on:  # noqa: N801 - reads as a preposition: `with on(filesystem):`
    """Errors of the calls inside become those of the port."""

    __slots__ = ("_filesystem",)

    def __init__(self, filesystem: str) -> None:
        self._filesystem = filesystem

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, CallFailed):
            raise translate(error, filesystem=self._filesystem) from error
