"""What all verbs of the libvirt driver need: a domain's handle, its document, one change at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from guestwright.base.record import replace
from guestwright.hypervisor.domain import Domain, DomainId, Virtualisation
from guestwright.hypervisor.drivers.libvirt.link import Link
from guestwright.hypervisor.drivers.libvirt.reading import read_domain
from guestwright.hypervisor.errors import DomainNotFound, WrongDomainState
from guestwright.hypervisor.spec import When, check_uuid

_LOCKS: Final = 64  # more would be one per domain, and somebody to remove them

_INFO_MEMORY: Final = 2  # of virDomainInfo: KiB that the domain has
HOST: Final = 0  # number of Xen's own domain, which is the host: never listed, never acted upon
INACTIVE: Final = 2  # VIR_DOMAIN_XML_INACTIVE
SECURE: Final = 1  # VIR_DOMAIN_XML_SECURE: with the passwords of consoles, or the domain would lose them


class Linked:
    """Base of the driver's parts.

    Args:
        link: the connection.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._locks = tuple(threading.RLock() for _ in range(_LOCKS))

    @contextmanager
    def _on(self, domain: DomainId, action: str) -> Iterator[Any]:
        """A domain's handle for some calls; libvirt's errors come out as ours."""
        check_uuid(domain)
        with self._link.call(action, domain) as connection:
            handle = connection.lookupByUUIDString(domain)
            if handle.ID() == HOST:
                raise DomainNotFound(domain=domain)
            yield handle

    @contextmanager
    def _changing(self, domain: DomainId, action: str) -> Iterator[Any]:
        """The same, and no other change to this domain through this driver meanwhile."""
        with self._locks[hash(domain) % _LOCKS], self._on(domain, action) as handle:
            yield handle

    def _read(self, handle: Any, *, defined: bool = False) -> Domain:
        domain = read_domain(
            handle.XMLDesc(INACTIVE if defined else 0),
            state=handle.state()[0],
            persistent=bool(handle.isPersistent()),
            saved=bool(handle.hasManagedSaveImage()),
        )
        if domain.platform.virtualisation is Virtualisation.XEN and domain.active:
            # Xen's document says what was asked for, and after a restart of the daemon not even that.
            return replace(domain, memory_actual=handle.info()[_INFO_MEMORY] << 10)
        return domain

    def _running(self, handle: Any, action: str) -> Domain:
        """The domain, if it runs."""
        domain = self._read(handle)
        if not domain.active:
            raise wrong_state(domain, action, "running")
        return domain

    def _views(self, handle: Any, when: When, action: str) -> tuple[bool, ...]:
        """What to change: False the run, True the definition; the definition first, as it is easier undone.

        Raises:
            WrongDomainState: what `when` names is not there.
        """
        domain = self._read(handle)
        if when is When.NOW and not domain.active:
            raise wrong_state(domain, action, "running")
        if when is not When.NOW and not domain.persistent:
            raise wrong_state(domain, action, "defined")
        if when is When.BOTH:
            return (True, False) if domain.active else (True,)
        return (when is When.NEXT_START,)


def wrong_state(domain: Domain, action: str, expected: str) -> WrongDomainState:
    """The refusal of `action` in the state that `domain` is in."""
    state = "not defined, only running" if expected == "defined" else str(domain.state)
    return WrongDomainState(action=action, domain=domain.uuid, expected=expected, state=state)
