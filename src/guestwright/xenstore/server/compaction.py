"""The next checkpoint of a store, made of the last one and its journal by a process of its own.

Theory of operation: saving a large store takes about a second, in which nobody is answered. All that it needs
is in files already, so another process makes the new checkpoint of them, while changes go to the journal that
belongs to it. Only the server puts it in its place: what a process writes whose server has died is never
looked at, and the next server removes it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from typing import Final

from guestwright.xenstore.server.errors import StateNotSaved
from guestwright.xenstore.server.state_file import force_directory

SUFFIX: Final = ".compacted"


class Compaction:
    """One that is under way.

    Args:
        path: of the checkpoint that it begins with, and in whose place the new one goes.
        number: of the new one.

    Raises:
        StateNotSaved: the process cannot be started.
    """

    def __init__(self, path: str, number: int) -> None:
        self._path = path
        self._made = path + SUFFIX
        discard(path)
        argv = [sys.executable, "-m", "guestwright.xenstore.server.compacting", path, self._made, str(number)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(one for one in sys.path if one)}
        try:
            self._process = subprocess.Popen(
                argv, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
        except OSError as error:
            raise StateNotSaved(path=path, detail=error.strerror or str(error)) from error

    @property
    def ended(self) -> bool:
        """Whether the process is over."""
        return self._process.poll() is not None

    def wait(self) -> None:
        """Until it is over."""
        self._process.wait()

    def put(self) -> bool:
        """Put the new checkpoint in its place; whether there is one. To be called once, when it has ended.

        Raises:
            StateNotSaved: it cannot be put there; the old one is.
        """
        if self._process.wait() != 0:
            discard(self._path)
            return False
        try:
            os.replace(self._made, self._path)
            force_directory(os.path.dirname(self._path) or ".")
        except OSError as error:
            raise StateNotSaved(path=self._path, detail=error.strerror or str(error)) from error
        return True

    def give_up(self) -> None:
        """End it; the old checkpoint stays."""
        self._process.kill()
        self._process.wait()
        discard(self._path)


def discard(path: str) -> None:
    """Remove what one that was given up has made of the checkpoint at this path."""
    with suppress(FileNotFoundError):
        os.unlink(path + SUFFIX)
