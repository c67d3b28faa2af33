"""What can go wrong while a tool works on a view."""

from __future__ import annotations

from guestwright.base.errors import GuestwrightError


class ViewFailed(GuestwrightError):
    """The view could not be shown or could not be read or written."""

    code = "file-view-failed"
    template = "could not show a disk to {tool}: {detail}"
    hint = "GUESTWRIGHT_FILEVIEW=copy works on a temporary copy instead of FUSE"
