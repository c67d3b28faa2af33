"""The agent's port for a domain that lacks it."""

from __future__ import annotations

import os
from typing import Final

from guestwright.host.service.errors import DirectoryNotUsable
from guestwright.host.service.own_store import CHANNEL
from guestwright.hypervisor.domain import Domain
from guestwright.hypervisor.errors import HypervisorCannot
from guestwright.hypervisor.port import Hypervisor
from guestwright.hypervisor.spec import ChannelSpec, When

_MODE: Final = 0o750


def plug(hypervisor: Hypervisor, domain: Domain, directory: str) -> str:
    """Give a domain the port, now if it runs and from its next start on if it is defined.

    Args:
        hypervisor: whose domain.
        domain: as it is now.
        directory: for sockets; made if need be, for whom the directory above belongs to.

    Returns:
        What was done, for people.

    Raises:
        HypervisorError: the hypervisor did not do it.
        DirectoryNotUsable: the directory cannot be made.
    """
    _make(directory)
    channel = ChannelSpec(name=CHANNEL, path=os.path.join(directory, f"{domain.uuid}.sock"))
    if not domain.active:
        hypervisor.attach_channel(domain.uuid, channel, when=When.NEXT_START)
        return "its port will be there with its next start"
    try:
        hypervisor.attach_channel(domain.uuid, channel, when=When.BOTH if domain.persistent else When.NOW)
    except HypervisorCannot:
        if not domain.persistent:
            raise
        hypervisor.attach_channel(domain.uuid, channel, when=When.NEXT_START)
        return "it runs without a controller for ports: its port will be there with its next start"
    return "its port was plugged in"


def _make(directory: str) -> None:
    """The emulator makes the socket, as a user of its own, who owns the directory above."""
    try:
        os.mkdir(directory, _MODE)
    except FileExistsError:
        return
    except OSError as error:
        raise DirectoryNotUsable(directory=directory, problem=error.strerror or str(error)) from error
    owner = os.stat(os.path.dirname(directory))
    os.chown(directory, owner.st_uid, owner.st_gid)
