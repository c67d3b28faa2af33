"""Uploads that are shown while they go on, and can be gone on with when they come to no end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import click

from guestwright.base.errors import GuestwrightError
from guestwright.base.printable import printable
from guestwright.cli.engine.transfer_bar import TransferBar
from guestwright.cli.output import warn

_INTERRUPTED: Final = 130


class Resumable:
    """An upload.

    Args:
        upload: id of one that is gone on with; "" for a new one.

    Attributes:
        bar: is told its progress.
    """

    def __init__(self, upload: str) -> None:
        self.bar = TransferBar()
        self._upload = upload

    def begun(self, made: dict[str, Any]) -> None:
        """It has begun, and is this one."""
        self._upload = str(made["id"])

    def tell(self) -> None:
        """How to go on with it."""
        if self._upload:
            known = printable(self._upload)
            warn(f"guestwright: what has arrived is kept: --resume {known} goes on with it")


@contextmanager
def resumable(upload: str) -> Iterator[Resumable]:
    """An upload within the block; when it comes to no end, it is told how to go on. Ctrl-C ends with 130."""
    made = Resumable(upload)
    try:
        yield made
    except (KeyboardInterrupt, GuestwrightError) as error:
        made.bar.close()
        made.tell()
        if isinstance(error, KeyboardInterrupt):
            raise click.exceptions.Exit(_INTERRUPTED) from error
        raise
    made.bar.close()
