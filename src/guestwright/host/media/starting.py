"""A hypervisor whose domains start with their payloads, for whoever starts domains."""

from __future__ import annotations

from typing import Any, cast

from guestwright.host.media.payloads import Payloads
from guestwright.hypervisor.domain import Domain, DomainId
from guestwright.hypervisor.port import Hypervisor
from guestwright.hypervisor.spec import RunOnce


class _Starting:
    """Passes everything on but starts."""

    def __init__(self, hypervisor: Hypervisor, payloads: Payloads) -> None:
        self._hypervisor = hypervisor
        self._payloads = payloads

    def start(self, domain: DomainId, once: RunOnce | None = None) -> Domain:
        """See `port.Power`; raises what `Payloads.start` raises besides."""
        return self._payloads.start(domain, once)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hypervisor, name)


def with_payloads(hypervisor: Hypervisor, payloads: Payloads) -> Hypervisor:
    """The same hypervisor, where `start` brings payloads into the drives.

    Args:
        hypervisor: the one that `payloads` has.
        payloads: of its domains.
    """
    return cast("Hypervisor", _Starting(hypervisor, payloads))
