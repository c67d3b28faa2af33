"""Operations on domains: what they are, what their guests say, what is possible, power."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from guestwright.base.record import record
from guestwright.host.api.endpoint import Call, Endpoint
from guestwright.host.capabilities import Answer
from guestwright.host.enrol.roles import Role
from guestwright.host.service.errors import PowerUnanswered
from guestwright.host.service.port import Guest, HostService, Known, PowerAction
from guestwright.hypervisor.errors import DomainNotFound, HypervisorError

POWER_SECONDS: Final = 300.0  # of which a suspend writes a guest's memory to disk
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TAG: Final = "domains"


@record
class Domains:
    """All domains of the host, by name.

    Attributes:
        domains: each of them.
    """

    domains: tuple[Known, ...]


@record
class GuestReply:
    """What is known of the guest in a domain.

    Attributes:
        guest: None when the domain does not run.
    """

    guest: Guest | None


@record
class Guests:
    """What is known of all guests.

    Attributes:
        guests: of the domains that run.
    """

    guests: tuple[Guest, ...]


@record
class CapabilityReply:
    """Whether an operation is possible now.

    Attributes:
        operation: which.
        allowed: whether it may be done.
        cause: why not; None when it is allowed.
        text: the same for people.
        remedy: what to do about it.
    """

    operation: str
    allowed: bool
    cause: str | None
    text: str
    remedy: str


@record
class Capabilities:
    """What may be done with a domain now.

    Attributes:
        capabilities: each operation.
    """

    capabilities: tuple[CapabilityReply, ...]


class PowerBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What to do with a domain's power.

    Attributes:
        action: one of them.
    """

    action: PowerAction


def uuid_of(call: Call) -> str:
    """The uuid in the path.

    Raises:
        DomainNotFound: it is none.
    """
    text = call.path["uuid"]
    if not _UUID.fullmatch(text):
        raise DomainNotFound(domain=text[:80])
    return text


def domain_endpoints(service: HostService) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        service: what answers.
    """
    one = "/v1/domains/{uuid}"
    return (*_lists(service), *_looks(service, one), *_changes(service, one))


def _lists(service: HostService) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="domains",
            method="GET",
            path="/v1/domains",
            role=Role.VIEWER,
            summary="All domains of the host.",
            handle=lambda _: Domains(domains=service.domains()),
            reply=Domains,
            tag=_TAG,
        ),
        Endpoint(
            name="guests",
            method="GET",
            path="/v1/guests",
            role=Role.VIEWER,
            summary="What is known of the guests in all domains that run.",
            handle=lambda _: _guests(service),
            reply=Guests,
            tag=_TAG,
        ),
    )


def _looks(service: HostService, one: str) -> tuple[Endpoint, ...]:
    missing = (DomainNotFound,)
    return (
        Endpoint(
            name="domain",
            method="GET",
            path=one,
            role=Role.VIEWER,
            summary="One domain.",
            handle=lambda call: service.domain(uuid_of(call)),
            reply=Known,
            errors=missing,
            tag=_TAG,
        ),
        Endpoint(
            name="guest",
            method="GET",
            path=f"{one}/guest",
            role=Role.VIEWER,
            summary="What is known of the guest: facts with source and age, tools, metrics.",
            handle=lambda call: GuestReply(guest=service.guest(uuid_of(call))),
            reply=GuestReply,
            errors=missing,
            tag=_TAG,
        ),
        Endpoint(
            name="capabilities",
            method="GET",
            path=f"{one}/capabilities",
            role=Role.VIEWER,
            summary="Each operation: allowed, or refused with cause, text and remedy.",
            handle=lambda call: Capabilities(
                capabilities=tuple(map(_capability, service.capabilities(uuid_of(call))))
            ),
            reply=Capabilities,
            errors=missing,
            tag=_TAG,
        ),
    )


def _changes(service: HostService, one: str) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="power",
            method="POST",
            path=f"{one}/power",
            role=Role.OPERATOR,
            summary="Change a domain's power state; waits for the hypervisor, on Xen for the guest's note.",
            handle=lambda call: service.power(uuid_of(call), call.body.action),
            reply=Known,
            body=PowerBody,
            seconds=POWER_SECONDS,
            errors=(DomainNotFound, HypervisorError, PowerUnanswered),
            tag=_TAG,
        ),
        Endpoint(
            name="plug-channel",
            method="POST",
            path=f"{one}/channel",
            role=Role.OPERATOR,
            summary="Give a domain the agent's port: now where that is possible, and from the next start.",
            handle=lambda call: service.plug_channel(uuid_of(call)),
            reply=Known,
            errors=(DomainNotFound, HypervisorError),
            tag=_TAG,
        ),
    )


def _guests(service: HostService) -> Guests:
    found = []
    for known in service.domains():
        try:
            guest = None if known.agent is None else service.guest(known.domain.uuid)
        except DomainNotFound:
            continue  # it has gone meanwhile
        if guest is not None:
            found.append(guest)
    return Guests(guests=tuple(found))


def _capability(answer: Answer) -> CapabilityReply:
    return CapabilityReply(
        operation=answer.operation,
        allowed=answer.allowed,
        cause=answer.cause,
        text=answer.text,
        remedy=answer.remedy,
    )
