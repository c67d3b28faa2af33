"""The process: directories, parts in their order, signals, signs of life, and the end.

Theory of operation: the main thread starts the parts one after the other, says READY, and then only waits for
a signal, a part that has failed, the next sign of life. Parts are ended in the reverse order, whatever got
started. Nothing is kept in this process alone that would be missed: domains belong to the hypervisor,
guests' keys are in a store with a journal, jobs in their database; so a kill at any time loses none of them,
and SIGTERM differs from it in being tidier.
"""

from __future__ import annotations

import gc
import logging
import os
import resource
import select
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType
from typing import Final

from guestwright.host.api.server import ApiServer
from guestwright.host.journal import Journal
from guestwright.host.media.payloads import Payloads
from guestwright.host.process.directories import alone, make_directory, read_catalogue
from guestwright.host.process.memory import balloon
from guestwright.host.process.open_store import open_store
from guestwright.host.process.others import start_others
from guestwright.host.process.sections import read_sections
from guestwright.host.service.configuration import Configuration
from guestwright.host.service.errors import PartFailed
from guestwright.host.service.notify import Notifier
from guestwright.host.service.service import Service
from guestwright.hypervisor.open_hypervisor import open_hypervisor
from guestwright.hypervisor.port import Hypervisor

CHECK: Final = 10.0  # seconds between two looks at the parts, at most
_GARBAGE: Final = (50_000, 50, 50)
_LOG: Final = logging.getLogger(__name__)

Open = Callable[[str], Hypervisor]


class Daemon:
    """The service with all that belongs to its process, but for signals.

    Args:
        configuration: settings.
        open_: how to reach the hypervisor.

    Attributes:
        service: once it has started.
        journal: the stream of events.
        failure: what ended a part; None while all is well.
        payloads: once it has started.
        api: likewise.
    """

    def __init__(self, configuration: Configuration, open_: Open = open_hypervisor) -> None:
        self.configuration = configuration
        self.journal = Journal()
        self.service: Service | None = None
        self.failure: BaseException | None = None
        self.payloads: Payloads | None = None
        self.api: ApiServer | None = None
        self._open = open_
        self._parts = ExitStack()
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._stopping = threading.Event()

    def start(self) -> Service:
        """Start all parts; when it returns the service does its work.

        Raises:
            GuestwrightError: a part cannot be started; those that were are ended by `stop`.
        """
        settings = self.configuration
        parts = self._parts
        parts.callback(os.close, self._wakeup)
        make_directory(settings.state, 0o700)
        make_directory(settings.runtime, 0o755)
        parts.enter_context(alone(settings.runtime))
        parts.callback(self.journal.close)
        catalogue = read_catalogue(settings.catalogue)
        hypervisor = self._open(settings.uri)
        parts.callback(hypervisor.close)
        store = open_store(hypervisor, settings, self.failed)
        parts.callback(store.close)
        service = Service(hypervisor, store, self.journal, settings, catalogue=catalogue, failed=self.failed)
        parts.callback(service.stop)
        service.start()
        self.service = service
        others = start_others(parts, service, self.journal, settings)
        self.payloads, self.api = others.payloads, others.api
        balloon(parts, service, read_sections(settings))
        return service

    def stop(self) -> None:
        """End all parts; what they hold is kept. May be called twice."""
        self._stopping.set()
        self._parts.close()

    def failed(self, error: BaseException) -> None:
        """A part has ended by a fault; from any thread."""
        if self.failure is None and not self._stopping.is_set():
            _LOG.error("a part of the service failed", exc_info=error)
            self.failure = error
            self.wake()

    def wake(self) -> None:
        """Have `wait` return; for any thread and for signal handlers."""
        if not self._stopping.is_set():
            os.eventfd_write(self._wakeup, 1)

    def wait(self, seconds: float) -> bool:
        """Wait for `wake`; False when the time is over."""
        return bool(select.select([self._wakeup], [], [], seconds)[0])


def serve(
    configuration: Configuration,
    open_: Open = open_hypervisor,
    started: Callable[[Service], object] = lambda _: None,
) -> None:
    """Run the service until SIGTERM or SIGINT. To be called in the main thread.

    Args:
        configuration: settings.
        open_: how to reach the hypervisor.
        started: called once when the service does its work.

    Raises:
        GuestwrightError: it could not be started, or a part failed; systemd is to start it again.
    """
    notifier = Notifier()
    daemon = Daemon(configuration, open_)
    settle()
    former = _signals(daemon)
    try:
        began = time.monotonic()
        service = daemon.start()
        calm()
        known = len(service.domains())
        version = service.about().version
        _LOG.info("ready after %.2f s: %d domains, version %s", time.monotonic() - began, known, version)
        notifier.ready(f"{known} domains")
        started(service)
        _watch(daemon, service, notifier)
    finally:
        notifier.stopping()
        _LOG.info("stopping")
        daemon.stop()
        for number, handler in former.items():
            signal.signal(number, handler)
    if daemon.failure is not None:
        raise PartFailed(part="one", problem=str(daemon.failure)) from daemon.failure
    _LOG.info("stopped")


def _watch(daemon: Daemon, service: Service, notifier: Notifier) -> None:
    pause = min(CHECK, (notifier.interval or 2 * CHECK) / 2)
    while not daemon.wait(pause):
        try:
            service.check()
        except PartFailed as error:
            daemon.failed(error)
            return
        notifier.alive()


def _signals(daemon: Daemon) -> dict[signal.Signals, Callable[[int, FrameType | None], object] | int | None]:
    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        daemon.wake()

    return {
        signal.SIGTERM: signal.signal(signal.SIGTERM, stop),
        signal.SIGINT: signal.signal(signal.SIGINT, stop),
        signal.SIGHUP: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        signal.SIGPIPE: signal.signal(signal.SIGPIPE, signal.SIG_IGN),
    }


def settle() -> None:
    """Make the process fit for a thousand guests, each of which has a line."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.umask(0o077)


def calm() -> None:
    """Keep collections of garbage short: what is there now stays, and is not looked at again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
