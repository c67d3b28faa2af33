"""Waits for a tool: serves what it asks for, reads what it says, and minds its deadline."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from typing import Final, Protocol

from guestwright.confine.child import Child
from guestwright.confine.errors import ToolTimedOut
from guestwright.fileview.capture import Capture

_WITHOUT_PIDFD: Final = 0.01


class Service(Protocol):
    """Something that answers the tool while it runs."""

    @property
    def descriptor(self) -> int:
        """Polls readable when there is something to answer."""

    def serve_waiting(self) -> bool:
        """Answer what waits, without blocking; False when there will never be more."""


def watch(tool: Child, outputs: Sequence[Capture], timeout: float, service: Service | None = None) -> int:
    """Wait until `tool` has ended and its output is read.

    Args:
        tool: the running process.
        outputs: its output.
        timeout: seconds it may take.
        service: served meanwhile.

    Returns:
        Its exit status, as `Child.wait` does.

    Raises:
        ToolTimedOut: it was killed at its deadline.
    """
    deadline = time.monotonic() + timeout
    poller = select.poll()
    pidfd = tool.pidfd()
    open_outputs = {output.read_end: output for output in outputs}
    for descriptor in (*open_outputs, *([] if pidfd is None else [pidfd])):
        poller.register(descriptor, select.POLLIN)
    if service is not None:
        poller.register(service.descriptor, select.POLLIN)
    ready: list[int] = []
    while True:
        if service is not None and not service.serve_waiting():
            poller.unregister(service.descriptor)
            service = None
        for descriptor in ready:
            if descriptor in open_outputs and open_outputs[descriptor].take():
                poller.unregister(descriptor)
                del open_outputs[descriptor]
        if (pidfd is None or pidfd in ready) and (status := tool.poll()) is not None:
            break
        left = deadline - time.monotonic()
        if left <= 0:
            tool.kill()
            raise ToolTimedOut(tool=tool.tool, seconds=f"{timeout:g}")
        events = poller.poll(1000 * (left if pidfd is not None else min(_WITHOUT_PIDFD, left)))
        ready = [descriptor for descriptor, _ in events]
    for output in outputs:
        output.take()  # a grandchild that holds the pipe open is not waited for
    return status
