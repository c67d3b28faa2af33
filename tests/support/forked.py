"""Runs test bodies in forked processes, as ourselves or as an ordinary user, confined or not."""

from __future__ import annotations

import encodings.idna  # noqa: F401 - sockets load it late, when an ordinary user may not read it any more
import os
import socket
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from guestwright.confine.held import Held
from guestwright.confine.limits import WORKER_LIMITS, Limits
from guestwright.confine.process import confine_worker

IDENTITIES = ["root", "nobody"] if os.geteuid() == 0 else ["caller"]
"""Whom to run as; an ordinary user cannot become somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a child: exit status (minus the signal), and what it said."""

    status: int
    text: str


def forked(body: Callable[[], object], *, identity: str) -> Outcome:
    """Run `body` in a child; `text` is what it returned, or its traceback with status 99."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        _child(body, identity, theirs)
    theirs.close()
    with ours:
        parts = []
        while part := ours.recv(65536):
            parts.append(part)
    _, raw = os.waitpid(pid, 0)
    return Outcome(status=os.waitstatus_to_exitcode(raw), text=b"".join(parts).decode())


def in_worker(
    body: Callable[[], object], *, identity: str, limits: Limits = WORKER_LIMITS
) -> tuple[Held, Outcome]:
    """Run `body` in a confined worker; what it raises comes back as "ErrorName: text"."""
    ours, theirs = socket.socketpair()

    def confined() -> str:
        theirs.send(confine_worker(keep_fds=range(3, 1024), limits=limits).to_bytes())
        return said(body)

    with ours, theirs:
        outcome = forked(confined, identity=identity)
        ours.setblocking(False)
        try:
            held = Held.from_bytes(ours.recv(65536))
        except BlockingIOError:
            raise AssertionError(outcome) from None
    return held, outcome


def said(body: Callable[[], object]) -> str:
    """What `body` returns, or the error it raises, as text."""
    try:
        return str(body())
    except (OSError, MemoryError) as error:
        return f"{type(error).__name__}: {error}"


def _child(body: Callable[[], object], identity: str, channel: socket.socket) -> None:
    status = 99
    try:
        if identity == "nobody":
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
        channel.sendall(str(body()).encode())
        status = 0
    except BaseException:  # noqa: BLE001 - a child of a test must end here, and say why
        channel.sendall(traceback.format_exc().encode())
    os._exit(status)
