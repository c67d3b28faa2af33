"""What all drivers settle alike about drives: names, and what can be done to which."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from guestwright.hypervisor.domain import Bus, Device, Domain, Drive, Virtualisation
from guestwright.hypervisor.errors import ChannelExists, DriveNotRemovable, HypervisorCannot, TargetTaken
from guestwright.hypervisor.spec import ChannelSpec, DriveSpec
from guestwright.hypervisor.targets import HOT_PLUGGED, free_target

SERIAL: Final = "virtio-serial:"  # as `Domain.controllers` names the controller that channels hang on


def assign(drives: Iterable[DriveSpec], taken: Iterable[str], domain: str) -> tuple[Drive, ...]:
    """Give each drive its name; those that are named keep theirs.

    Args:
        drives: to be added, in order.
        taken: names that the domain uses already.
        domain: for the error.

    Raises:
        TargetTaken: a name is in use, or a bus has no place left.
    """
    wanted = tuple(drives)
    used = set(taken)
    for target in [each.target for each in wanted if each.target]:
        if target in used:
            raise TargetTaken(domain=domain, problem=f"target {target} is in use")
        used.add(target)
    made = []
    for each in wanted:
        target = each.target or _first(each.bus, used, domain)
        used.add(target)
        made.append(
            Drive(
                device=each.device,
                bus=each.bus,
                target=target,
                medium=each.medium,
                format=each.format if each.medium else "",
                read_only=each.read_only or each.device is Device.CD,
                serial=each.serial,
            )
        )
    return tuple(made)


def removable(domain: Domain, target: str) -> Drive:
    """A drive whose medium can be changed.

    Raises:
        DriveNotFound, DriveNotRemovable: it is not one.
    """
    drive = domain.drive(target)
    if drive.device is Device.DISK:
        raise DriveNotRemovable(domain=domain.uuid, target=target, device=drive.device)
    return drive


def refuse_cold(domain: str, bus: Bus, action: str, *, running: bool) -> None:
    """Refuse to attach or detach on a bus that cannot while the domain runs.

    Raises:
        HypervisorCannot: it runs, and this is such a bus.
    """
    if running and bus not in HOT_PLUGGED:
        detail = f"bus {bus} takes and gives no drives while the domain runs"
        raise HypervisorCannot(action=action, domain=domain, detail=detail)


def lacks_channel(domain: Domain, channel: ChannelSpec, *, running: bool) -> bool:
    """Whether a channel is to be added.

    Facts: libvirt refuses to plug a controller for channels into a run ("'virtio-serial' controller cannot be
    hot plugged", `qemuDomainAttachControllerDevice`).

    Raises:
        ChannelExists: it is there, with another path.
        HypervisorCannot: it is not there and cannot be added.
    """
    if domain.platform.virtualisation is Virtualisation.XEN:
        raise no_channels(domain.uuid)
    present = domain.channel(channel.name)
    if present is not None and present.path != channel.path:
        raise ChannelExists(domain=domain.uuid, name=channel.name, path=present.path)
    if present is None and running and not any(each.startswith(SERIAL) for each in domain.controllers):
        detail = "it runs without a virtio-serial controller; ask for it with the next start"
        raise HypervisorCannot(action="a channel", domain=domain.uuid, detail=detail)
    return present is None


def no_channels(domain: str) -> HypervisorCannot:
    """The refusal of a virtio channel on Xen."""
    return HypervisorCannot(
        action="a channel", domain=domain, detail="Xen has no virtio-serial; the agent uses xenstore there"
    )


def _first(bus: Bus, used: set[str], domain: str) -> str:
    target = free_target(bus, used)
    if target is None:
        raise TargetTaken(domain=domain, problem=f"bus {bus} has no place left")
    return target
