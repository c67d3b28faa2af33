"""The engine and, where wanted, the host service of this machine, until a signal: `guestwright up`."""

from __future__ import annotations

import gc
import logging
import os
import resource
import select
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from guestwright.base.record import record
from guestwright.engine.process.engine import Engine
from guestwright.engine.process.first_run import Begun, begin
from guestwright.engine.process.host_child import HostChild
from guestwright.engine.process.hypervisor_here import hypervisor_uri
from guestwright.engine.process.own_host import register, socket_path, write_settings
from guestwright.engine.process.settings import Settings
from guestwright.host.service.notify import Notifier

TOKEN: Final = "admin.token"  # noqa: S105 - the name of a file
_CHECK: Final = 5.0
_GARBAGE: Final = (50_000, 50, 50)
_LOG: Final = logging.getLogger(__name__)


@record
class Running:
    """What runs.

    Attributes:
        url: where the engine's interface is.
        authority: path of the certificate by which to know it; "" without TLS.
        begun: who may come in; None when others give out tokens.
        token_file: path of the file with the token.
        host: name of this machine as a host; "" without a host service.
        hypervisor: its URI; "" likewise.
        seconds: that the start took.
    """

    url: str
    authority: str
    begun: Begun | None
    token_file: str
    host: str
    hypervisor: str
    seconds: float


def run(
    settings: Settings,
    *,
    with_host: bool,
    hypervisor: str,
    emulate: bool = False,
    started: Callable[[Running], object],
) -> None:
    """Run until SIGTERM or SIGINT. To be called in the main thread.

    Args:
        settings: of the engine.
        with_host: whether this machine is a host.
        hypervisor: see `hypervisor_here.hypervisor_uri`.
        emulate: see `own_host.write_settings`; counts at the first run.
        started: called once when all does its work.

    Raises:
        GuestwrightError: it could not be started, or a part failed.
    """
    _settle()
    with ExitStack() as parts:
        wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        parts.callback(os.close, wakeup)
        parts.callback(_listen(wakeup))
        notifier = Notifier()
        engine = Engine(settings)
        parts.callback(engine.stop)
        running = _start(parts, engine, with_host=with_host, hypervisor=hypervisor, emulate=emulate)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GARBAGE)
        notifier.ready(running.url)
        started(running)
        pause = min(_CHECK, (notifier.interval or 2 * _CHECK) / 2)
        while not select.select([wakeup], [], [], pause)[0]:
            engine.check()
            notifier.alive()
        notifier.stopping()
        _LOG.info("stopping")


def _start(parts: ExitStack, engine: Engine, *, with_host: bool, hypervisor: str, emulate: bool) -> Running:
    began, settings = time.monotonic(), engine.settings
    uri = hypervisor_uri(hypervisor, settings) if with_host else ""
    opened = engine.open()
    token_file = settings.path(TOKEN)
    begun = begin(opened.database, opened.users, opened.tokens, token_file)
    name = ""
    if with_host:
        path = socket_path(settings)
        host_settings = write_settings(settings, uri, emulate=emulate)
        child = HostChild(host_settings, path, uri if hypervisor else "")
        parts.callback(child.stop)
        child.start()
        name = register(opened.database, path).name
    url = engine.start(opened)
    return Running(
        url=url,
        authority=engine.authority,
        begun=begun,
        token_file=token_file,
        host=name,
        hypervisor=uri,
        seconds=time.monotonic() - began,
    )


def _listen(wakeup: int) -> Callable[[], None]:
    """Have signals wake; returns what puts the former handlers back."""

    def wake(number: int, frame: object) -> None:
        del number, frame
        os.eventfd_write(wakeup, 1)

    former = {one: signal.signal(one, wake) for one in (signal.SIGTERM, signal.SIGINT)}
    former[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    former[signal.SIGPIPE] = signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    def back() -> None:
        for one, handler in former.items():
            signal.signal(one, handler)

    return back


def _settle() -> None:
    """Files are the engine's alone unless they say otherwise; and there may be many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.umask(0o077)
