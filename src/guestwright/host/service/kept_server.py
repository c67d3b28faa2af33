"""Our xenstore server in a thread of this process, with its socket, its saved state and its journal."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Final

from guestwright.host.service.errors import PartFailed
from guestwright.xenstore.core import dump
from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.store import Store
from guestwright.xenstore.server.daemon import SOCKET, STATE, Keeper
from guestwright.xenstore.server.errors import UnusableState
from guestwright.xenstore.server.journal import NEXT, SUFFIX
from guestwright.xenstore.server.lock import DirectoryLock
from guestwright.xenstore.server.loop import BACKLOG_MAX, Server
from guestwright.xenstore.server.recovery import load
from guestwright.xenstore.server.settings import Settings
from guestwright.xenstore.server.state_file import write_state

# Changes a second of all guests together, and what they may save up. A guest that is alone may use all of it;
# of many each gets its share, and one that floods waits while the others' savings are untouched. A thousand
# guests have saved enough for 5,000 changes a second during a minute and a half.
# A turn is short, so that the service itself, whose many questions are one turn, is answered soon.
SETTINGS: Final = Settings(
    budget=4,
    host_budget=1024,
    read_size=65536,
    write_always=True,
    write_rate=2000,
    write_burst=500,
    write_newcomer=2,
    write_reserve=6000,
    write_bytes=1024,
)
_PATIENCE: Final = 30.0  # seconds for the thread to do something
_LOG: Final = logging.getLogger(__name__)


class KeptServer:
    """A server at work.

    Args:
        directory: of its socket and its saved state; must not outlive the host.
        failed: called, on the server's thread, when that ends by a fault.

    Attributes:
        server: to be touched on its thread, by `inside` and `Server.call`.
        socket: path, for privileged clients.

    Raises:
        AlreadyServed: another process serves there.
        BadSocket, StateNotSaved: the directory is not usable.
    """

    def __init__(self, directory: str, failed: Callable[[BaseException], object]) -> None:
        self._path = os.path.join(directory, STATE)
        self._failed = failed
        self._lock = DirectoryLock(directory)
        tree, number = _restored(self._path)
        self.server = Server(tree, SETTINGS)
        self.socket = os.path.join(directory, SOCKET)
        self.server.listen(self.socket)
        self._keeper = Keeper(self.server, self._path, number)
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread has not ended."""
        return self._thread.is_alive()

    def inside(self, work: Callable[[], object]) -> None:
        """Do something on the server's thread, and wait until it is done.

        Raises:
            PartFailed: that thread does not answer.
        """
        done = threading.Event()

        def run() -> None:
            work()
            done.set()

        self.server.call(run)
        if not done.wait(_PATIENCE):
            raise PartFailed(part="store", problem="its thread does not answer")

    def close(self) -> None:
        """End it; what was answered is saved."""
        self.server.stop()
        self._thread.join()
        self.server.close()
        self._keeper.close()
        write_state(self._path, dump.save(self.server.store), number=self._keeper.number + 1)
        self._lock.release()

    def _run(self) -> None:
        try:
            self.server.run()
        except BaseException as error:  # noqa: BLE001 - the thread's boundary: the service has to be told
            self._failed(error)


def _restored(path: str) -> tuple[Store, int]:
    options = Options(backlog_max=BACKLOG_MAX)
    try:
        found = load(path, None, options)
    except UnusableState:
        _LOG.exception("the saved store is put aside; agents will write their keys again")
        for one in (path, path + SUFFIX, path + NEXT):
            if os.path.lexists(one):
                os.replace(one, one + ".unusable")
        found = None
    return found or (Store(None, options), 0)
