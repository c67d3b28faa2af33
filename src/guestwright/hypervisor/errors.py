"""What can go wrong between us and a hypervisor."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_PENDING, EXIT_UNSUPPORTED, EXIT_USAGE, GuestwrightError


class HypervisorError(GuestwrightError):
    """Base of the errors about hypervisors and their domains."""

    code = "hypervisor"
    http_status = HTTPStatus.BAD_GATEWAY
    template = "hypervisor: {detail}"


class HypervisorUnreachable(HypervisorError):
    """No connection to the hypervisor can be made."""

    code = "hypervisor-unreachable"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = "{uri} cannot be reached: {detail}"
    hint = "check that its daemon runs and that this user may use its socket"


class HypervisorLost(HypervisorError):
    """The connection broke while a call was under way: what it asked for may have been done or not."""

    code = "hypervisor-lost"
    exit_status = EXIT_PENDING
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = "the connection to {uri} broke during: {action}"
    hint = "look at the domain's state before asking again; the connection comes back by itself"


class HypervisorBindingMissing(HypervisorError):
    """The Python binding of libvirt is not installed."""

    code = "hypervisor-binding-missing"
    exit_status = EXIT_UNSUPPORTED
    http_status = HTTPStatus.NOT_IMPLEMENTED
    template = "libvirt's Python binding cannot be imported: {detail}"
    hint = "install Debian's python3-libvirt, or guestwright[libvirt] where libvirt-dev and a compiler are"


class HypervisorRefused(HypervisorError):
    """The hypervisor tried and failed, for a reason that only its own words tell."""

    code = "hypervisor-refused"
    template = "{action} of {domain}: {detail}"


class HypervisorCannot(HypervisorError):
    """This hypervisor or this kind of domain does not have what was asked for."""

    code = "hypervisor-cannot"
    exit_status = EXIT_UNSUPPORTED
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "{action} of {domain} is not possible: {detail}"


class BadDomainSpec(HypervisorError):
    """What was asked for makes no sense; nothing was touched."""

    code = "domain-spec"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "{field} {value}: {problem}"


class DomainNotFound(HypervisorError):
    """The hypervisor has no such domain."""

    code = "domain-not-found"
    http_status = HTTPStatus.NOT_FOUND
    template = "there is no domain {domain}"


class DomainExists(HypervisorError):
    """A domain with this uuid or this name exists already."""

    code = "domain-exists"
    http_status = HTTPStatus.CONFLICT
    template = "domain {domain} exists already: {detail}"
    hint = "choose another name and uuid"


class WrongDomainState(HypervisorError):
    """The domain is not in a state in which this can be done."""

    code = "domain-state"
    http_status = HTTPStatus.CONFLICT
    template = "{action} needs domain {domain} to be {expected}; it is {state}"


class DomainNotOwned(HypervisorError):
    """The domain was made by somebody else: Guestwright uses it, but does not remove it."""

    code = "domain-not-owned"
    http_status = HTTPStatus.CONFLICT
    template = "domain {domain} was not defined by Guestwright"
    hint = "remove it with the tool that made it"


class DriveNotFound(HypervisorError):
    """The domain has no such drive."""

    code = "drive-not-found"
    http_status = HTTPStatus.NOT_FOUND
    template = "domain {domain} has no drive {target}; it has {present}"


class DriveNotRemovable(HypervisorError):
    """Media go into CD and floppy drives only."""

    code = "drive-not-removable"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "drive {target} of {domain} is a {device}: its medium cannot be changed"


class DriveNotEmpty(HypervisorError):
    """There is a medium in the drive already."""

    code = "drive-not-empty"
    http_status = HTTPStatus.CONFLICT
    template = "drive {target} of {domain} holds {medium}"
    hint = "eject it first, or ask for a change of the medium"


class TrayLocked(HypervisorError):
    """The guest keeps the drive locked, as a mounted CD does."""

    code = "drive-tray-locked"
    http_status = HTTPStatus.CONFLICT
    template = "the guest keeps drive {target} of {domain} locked"
    hint = "unmount the medium in the guest, or force it out"


class TargetTaken(HypervisorError):
    """The name for the new drive is in use, or none is left on the bus."""

    code = "drive-target-taken"
    http_status = HTTPStatus.CONFLICT
    template = "domain {domain}: {problem}"
    hint = "choose another bus or target"


class MediumNotFound(HypervisorError):
    """The hypervisor cannot open the image that was asked for."""

    code = "medium-not-found"
    http_status = HTTPStatus.NOT_FOUND
    template = "{path} cannot be opened by the hypervisor: {detail}"


class ChannelExists(HypervisorError):
    """The domain has a channel of this name."""

    code = "channel-exists"
    http_status = HTTPStatus.CONFLICT
    template = "domain {domain} has a channel {name} already, at {path}"


class NoBalloon(HypervisorError):
    """The domain has no balloon device, so its memory cannot move."""

    code = "domain-no-balloon"
    exit_status = EXIT_UNSUPPORTED
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "domain {domain} has no memory balloon"
    hint = "give it one in its definition; the next start has it"


class DetachUnanswered(HypervisorError):
    """The guest did not let go of a device in time."""

    code = "drive-detach-unanswered"
    exit_status = EXIT_PENDING
    http_status = HTTPStatus.GATEWAY_TIMEOUT
    template = "the guest {domain} did not release drive {target} within {seconds} s"
    hint = "it may still do so; a guest that is booting or has no driver does not answer"


class MigrationRefused(HypervisorError):
    """The domain stays where it is."""

    code = "migration-refused"
    template = "{domain} cannot be migrated to {destination}: {detail}"


class MigrationCancelled(HypervisorError):
    """Somebody called the move off; the domain stays where it is, and runs."""

    code = "migration-cancelled"
    http_status = HTTPStatus.CONFLICT
    template = "the move of {domain} to {destination} was called off; it runs on where it is"


class NoPlacement(HypervisorError):
    """No bus of the domain can take the device."""

    code = "no-placement"
    exit_status = EXIT_UNSUPPORTED
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "no place for a {device}: {reason}"
    hint = "stop the domain first if only a running one cannot take it, or give it a controller that can"
