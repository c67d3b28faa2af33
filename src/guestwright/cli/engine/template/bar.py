"""Progress of a package's files on a terminal's standard error; nothing anywhere else."""

from __future__ import annotations

from guestwright.cli.engine.transfer_bar import TransferBar


class FilesBar:
    """A bar for each thing that is done, one after the other."""

    def __init__(self) -> None:
        self._bar = TransferBar()
        self._what = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Draw how far it is; `what` is not shown: names of files come from packages of strangers."""
        if what != self._what:
            self._bar.close()
            self._bar, self._what = TransferBar(), what
        self._bar(done, total)

    def close(self) -> None:
        """Wipe it."""
        self._bar.close()
