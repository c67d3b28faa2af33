"""Where the redo log of an image lies."""

from __future__ import annotations

import os
import stat
from typing import Final

SUFFIX: Final = ".guestwright-redo"
STATE_VARIABLE: Final = "GUESTWRIGHT_STATE"
_STATE: Final = "/var/lib/guestwright"


def log_path(path: str) -> str:
    """Path of the redo log, or of the pointer to it, that belongs to an image.

    Args:
        path: of the image file or block device; symlinks are resolved.

    Returns:
        Beside an image file. For a block device, in `$GUESTWRIGHT_STATE/redo` (`/var/lib/guestwright/redo`),
        under the device mapper's UUID if it has one (the numbers of /dev/dm-* change), else under its path.
    """
    real = os.path.realpath(path)
    try:
        info = os.stat(real)
    except OSError:
        return real + SUFFIX
    if not stat.S_ISBLK(info.st_mode):
        return real + SUFFIX
    key = _mapper_uuid(info.st_rdev) or real
    name = key.strip("/").replace("%", "%25").replace("/", "%2f")
    return os.path.join(state_directory(), name + SUFFIX)


def state_directory() -> str:
    """Directory of the logs for block devices."""
    return os.path.join(os.environ.get(STATE_VARIABLE) or _STATE, "redo")


def _mapper_uuid(device: int) -> str:
    try:
        with open(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/dm/uuid", encoding="ascii") as file:
            return file.read(256).strip()
    except (OSError, UnicodeDecodeError):
        return ""
