"""Which store the guests of a hypervisor have."""

from __future__ import annotations

import os
from collections.abc import Callable

from guestwright.host.process.directories import make_directory
from guestwright.host.service.configuration import Configuration
from guestwright.host.service.own_store import OwnStore
from guestwright.host.service.stores import Store, Xenstored
from guestwright.hypervisor.port import Hypervisor


def open_store(
    hypervisor: Hypervisor, settings: Configuration, failed: Callable[[BaseException], object]
) -> Store:
    """Xen's, or our own.

    Args:
        hypervisor: whose guests.
        settings: which store, and where.
        failed: called when our own ends by a fault.

    Raises:
        NoServer, AlreadyServed, BadSocket, DirectoryNotUsable: it cannot be had.
    """
    kind = settings.store
    if kind == "auto":
        kind = "xenstored" if hypervisor.about().kind.lower() == "xen" else "own"
    if kind == "xenstored":
        return Xenstored(settings.xenstored)
    directory = os.path.join(settings.runtime, "xenstore")
    make_directory(directory, 0o700)
    return OwnStore(directory, failed)
