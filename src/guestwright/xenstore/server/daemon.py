"""A server as a process of its own: lock, saved state, socket, signals.

Theory of operation: what is guaranteed about restarts is decided here. A server that is stopped (SIGTERM,
SIGINT, `Server.stop`) handles no further request, sends what it can, and saves; a request whose reply was
sent is in the file. With a journal the same holds when the process is killed. Without one, the file is taken
away as soon as it is restored: after a kill the next server starts empty, as C xenstored does, instead of
with what was true once.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.xenstore.core import dump
from guestwright.xenstore.core.domain import Host
from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.store import Store
from guestwright.xenstore.server.errors import StateNotSaved
from guestwright.xenstore.server.journal import NEXT, SUFFIX, Journal
from guestwright.xenstore.server.lock import DirectoryLock
from guestwright.xenstore.server.loop import BACKLOG_MAX, Server
from guestwright.xenstore.server.recovery import load
from guestwright.xenstore.server.settings import Settings
from guestwright.xenstore.server.state_file import write_state

SOCKET: Final = "socket"
STATE: Final = "state"
_RETRY: Final = 10.0  # seconds until a journal that could not be written is begun anew


def serve(
    directory: str,
    *,
    journal: bool = False,
    options: Options | None = None,
    settings: Settings | None = None,
    host: Host | None = None,
    started: Callable[[Server], object] | None = None,
) -> None:
    """Serve in a directory until SIGTERM or SIGINT. To be called in the main thread.

    Args:
        directory: holds the socket (`socket`), the lock (`xenstored.pid`) and the saved state (`state`,
            `state.journal`); made with mode 0755 if need be. One that does not outlive the host, such as
            below /run, is right: a store is of no use without its guests.
        journal: lose nothing that was acknowledged even when the process is killed.
        options: what the store offers.
        settings: limits.
        host: which domains exist.
        started: called once with the server when clients can connect.

    Raises:
        AlreadyServed: another server is at work there.
        BadSocket: the socket or the lock cannot be made.
        UnusableState: what was saved cannot be used.
        StateNotSaved: the state could not be written at the end; clients have been told nothing wrong.
    """
    _make(directory)
    lock = DirectoryLock(directory)
    try:
        _serve(directory, journal, options, settings, host, started)
    finally:
        lock.release()


def _serve(
    directory: str,
    journal: bool,
    options: Options | None,
    settings: Settings | None,
    host: Host | None,
    started: Callable[[Server], object] | None,
) -> None:
    path = os.path.join(directory, STATE)
    options = options or Options(backlog_max=BACKLOG_MAX)
    found = load(path, host, options)
    store, number = found or (Store(host, options), 0)
    _bury(store, host)
    server = Server(store, settings)
    former = _Signals(server)
    keeper = None
    serving = False
    try:
        server.listen(os.path.join(directory, SOCKET))
        if journal:
            keeper = Keeper(server, path, number)
        else:
            _forget(path)
        serving = True
        _settle()
        if started is not None:
            started(server)
        server.run()
    finally:
        former.restore()
        server.close()
        if keeper is not None:
            keeper.close()
            number = keeper.number
        if serving:
            write_state(path, dump.save(store), number=number + 1)


class Keeper:
    """Keeps the journal of a server, and goes on serving when there is no room for it.

    Args:
        server: whose store it is.
        path: see `Journal`.
        number: see `Journal`.
    """

    def __init__(self, server: Server, path: str, number: int) -> None:
        self._journal = Journal(server.store, path, number)
        self._server = server
        self._retry_at = 0.0
        server.traffic.before_send = self._write

    @property
    def number(self) -> int:
        """Number of the last checkpoint."""
        return self._journal.number

    def close(self) -> None:
        """Stop; the files stay."""
        self._server.traffic.before_send = None
        self._journal.close()

    def _write(self) -> None:
        try:
            if not self._retry_at:
                self._journal.write()
            elif time.monotonic() >= self._retry_at:
                self._journal.checkpoint()
                self._retry_at = 0.0
        except StateNotSaved as error:
            # Guests that cannot reach their store are worse off than ones whose store is not saved.
            self._retry_at = time.monotonic() + _RETRY
            _complain(error)


class _Signals:
    """SIGTERM and SIGINT stop the server; SIGHUP and SIGPIPE do nothing.

    Args:
        server: what to stop.
    """

    def __init__(self, server: Server) -> None:
        def stop(number: int, frame: FrameType | None) -> None:
            del number, frame
            server.stop()

        self._former = {
            signal.SIGTERM: signal.signal(signal.SIGTERM, stop),
            signal.SIGINT: signal.signal(signal.SIGINT, stop),
            signal.SIGHUP: signal.signal(signal.SIGHUP, signal.SIG_IGN),
            signal.SIGPIPE: signal.signal(signal.SIGPIPE, signal.SIG_IGN),
        }

    def restore(self) -> None:
        """Put back what was there before."""
        for number, handler in self._former.items():
            signal.signal(number, handler)


def _make(directory: str) -> None:
    try:
        os.makedirs(directory, mode=0o755, exist_ok=True)
    except OSError as error:
        raise StateNotSaved(path=directory, detail=error.strerror or str(error)) from error


def _bury(store: Store, host: Host | None) -> None:
    """Domains that went while no server was there."""
    if host is not None:
        for domid in [one for one in store.core.domains if not host.exists(one)]:
            store.domain_destroyed(domid)


def _forget(path: str) -> None:
    for one in (path, path + SUFFIX, path + NEXT):
        if os.path.lexists(one):
            os.unlink(one)


def _settle() -> None:
    """Make the process fit for many connections and even answers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # The server makes no garbage in cycles (a test says so), and a full collection of a large store takes
    # longer than anybody should wait for an answer.
    gc.collect()
    gc.freeze()
    gc.disable()


def _complain(error: GuestwrightError) -> None:
    sys.stderr.write(f"guestwright: {error.message}\n")
    sys.stderr.flush()
