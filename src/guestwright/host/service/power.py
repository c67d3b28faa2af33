"""From the name of an action to the hypervisor's verb."""

from __future__ import annotations

from guestwright.host.service.port import Known, PowerAction
from guestwright.host.service.stores import Store
from guestwright.host.service.xen_power import ASKED, acknowledged
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.port import Hypervisor
from guestwright.hypervisor.spec import Migration


def act(hypervisor: Hypervisor, store: Store, known: Known, action: PowerAction) -> None:
    """Change a domain's power state; on Xen the guest's kernel acknowledges what it is asked for.

    Raises:
        HypervisorError: the hypervisor did not do it.
        PowerUnanswered: the guest has not taken note.
    """
    domain = known.domain.uuid
    _do(hypervisor, domain, action)
    if action in ASKED and known.domid is not None and store.native:
        acknowledged(store.client, known.domid, domain, action)


def move(hypervisor: Hypervisor, uuid: str, how: Migration) -> None:
    """Move a domain to another host.

    Raises:
        HypervisorError: the hypervisor did not do it.
    """
    hypervisor.migrate(DomainId(uuid), how)


def call_off(hypervisor: Hypervisor, uuid: str) -> bool:
    """Call a domain's move off, if one is under way; whether one was.

    Raises:
        HypervisorError: the hypervisor did not do it.
    """
    return hypervisor.cancel_migration(DomainId(uuid))


def _do(hypervisor: Hypervisor, domain: DomainId, action: PowerAction) -> None:
    match action:
        case PowerAction.START | PowerAction.RESUME:
            hypervisor.start(domain)
        case PowerAction.SHUTDOWN:
            hypervisor.shut_down(domain)
        case PowerAction.REBOOT:
            hypervisor.reboot(domain)
        case PowerAction.KILL:
            hypervisor.stop(domain)
        case PowerAction.PAUSE:
            hypervisor.pause(domain)
        case PowerAction.UNPAUSE:
            hypervisor.unpause(domain)
        case PowerAction.SUSPEND:
            hypervisor.suspend(domain)
