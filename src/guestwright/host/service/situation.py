"""From what is known of a domain to what may be done with it."""

from __future__ import annotations

from typing import Final

from guestwright.host.capabilities import Operation, Power, Situation
from guestwright.host.facts.book import Page
from guestwright.host.facts.state import AgentState, Standing
from guestwright.host.service.configuration import Configuration
from guestwright.hypervisor.domain import Boundary, Device, Domain, State, Virtualisation
from guestwright.hypervisor.errors import NoPlacement
from guestwright.hypervisor.placement import place

_POWER: Final = {
    State.OFF: Power.HALTED,
    State.RUNNING: Power.RUNNING,
    State.PAUSED: Power.PAUSED,
    State.SLEEPING: Power.RUNNING,
    State.STOPPING: Power.RUNNING,
    State.CRASHED: Power.HALTED,
    State.SUSPENDED: Power.SUSPENDED,
}


def power_of(domain: Domain) -> Power:
    """The power state; a crashed domain that the hypervisor keeps can only be killed, like a paused one."""
    if domain.state is State.CRASHED and domain.active:
        return Power.PAUSED
    return _POWER[domain.state]


def situation(
    domain: Domain,
    page: Page | None,
    agent: Standing | None,
    configuration: Configuration,
    busy: Operation | None,
) -> Situation:
    """A domain now.

    Args:
        domain: as the hypervisor has it.
        page: what is known of its guest; None when it does not run.
        agent: the state of its agent; likewise.
        configuration: what the operator allows.
        busy: what is under way.
    """
    drives = [one for one in domain.drives if one.device is Device.CD]
    features = {} if page is None else page.told.features
    return Situation(
        power=power_of(domain),
        agent=AgentState.NEVER if agent is None else agent.state,
        agent_reason="" if agent is None else agent.reason,
        features=features,
        drivers=_drivers(domain, page),
        cannot_suspend="" if page is None else page.keys.get("data/cant_suspend_reason") or "",
        busy=busy,
        blocked=configuration.blocked,
        granted=configuration.granted,
        drives=len(drives),
        free_drives=sum(not one.medium for one in drives),
        hotplug=_has_place(domain),
    )


def _drivers(domain: Domain, page: Page | None) -> bool:
    """Whether the guest hears what its machine says: by Xen's drivers, or by the ACPI of a full machine."""
    platform = domain.platform
    if platform.virtualisation is not Virtualisation.XEN:
        return True
    return platform.boundary is not Boundary.HVM or (page is not None and page.metrics.drivers_known)


def _has_place(domain: Domain) -> bool:
    try:
        place(Device.CD, domain)
    except NoPlacement:
        return False
    return True
