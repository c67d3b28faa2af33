"""The Python binding of libvirt, imported when it is first needed.

Theory of operation: the binding is an optional dependency, built against the host's libvirt, so nothing may
import it at start. It keeps one event loop per process, which must be registered before the first
connection is opened and run for ever: one thread of ours does, unless somebody in this process (an asyncio
program with libvirtaio) registered another before; then libvirt keeps that one and our thread ends.
"""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any, Final

from guestwright.hypervisor.errors import HypervisorBindingMissing

_STARTING: Final = threading.Lock()
_LOOPS: Final[list[threading.Thread]] = []


def load() -> Any:
    """The module `libvirt`, quiet on standard error, with an event loop that runs.

    Raises:
        HypervisorBindingMissing: it is not installed, or does not fit the host's libvirt.
    """
    try:
        binding = import_module("libvirt")
    except ImportError as error:
        raise HypervisorBindingMissing(detail=error) from error
    with _STARTING:
        if not _LOOPS:
            binding.registerErrorHandler(_ignore, None)
            binding.virEventRegisterDefaultImpl()
            loop = threading.Thread(target=_run, args=(binding,), name="libvirt-events", daemon=True)
            _LOOPS.append(loop)
            loop.start()
    return binding


def _run(binding: Any) -> None:
    while True:
        try:
            binding.virEventRunDefaultImpl()
        except binding.libvirtError:
            return  # the loop is somebody else's


def _ignore(context: object, error: object) -> None:
    """Take what libvirt would print; the same comes as an exception."""
