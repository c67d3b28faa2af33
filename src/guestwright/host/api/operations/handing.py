"""Operations for a domain that goes to another host: its payloads before it, then itself, as a job.

Theory of operation: whoever moves a domain takes its payloads from the source's service and gives them to the
destination's, both over a protected line, and then has the source move it. They are secret: only
administrators get them, they are in no job, log, audit or event, and an answer with them is not to be stored.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from guestwright.base.record import field, record
from guestwright.host.api.endpoint import Call, Endpoint
from guestwright.host.api.operations.domains import uuid_of
from guestwright.host.api.operations.payloads import PAYLOAD_MAX, PayloadsReply, shown
from guestwright.host.enrol.roles import Role
from guestwright.host.media.errors import PayloadPathsDiffer
from guestwright.host.media.model import from_bytes
from guestwright.host.media.moving import Handed, accept, call_off, hand_over
from guestwright.host.media.payloads import Payloads
from guestwright.host.service.port import HostService
from guestwright.http_api.errors import BadRequest
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.errors import DomainNotFound

_TAG: Final = "moving"


@record
class HandedPayload:
    """A payload on its way.

    Attributes:
        directory: of images on the source.
        entry: what is known of it, Base64; to be passed on as it is.
        contents: what is on it, Base64; likewise, and secret.
    """

    directory: str
    entry: bytes = field(repr=False)
    contents: bytes = field(repr=False)


@record
class HandedReply:
    """The payloads of a domain that is to be moved.

    Attributes:
        payloads: each of them; none when it has none.
    """

    payloads: tuple[HandedPayload, ...]


class HandedBodyPart(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """See `HandedPayload`.

    Attributes:
        directory: of images on the source.
        entry: as it was handed out.
        contents: likewise.
    """

    directory: Annotated[str, msgspec.Meta(max_length=4096)]
    entry: bytes
    contents: bytes


class HandedBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the source has handed out.

    Attributes:
        payloads: each of them.
    """

    payloads: Annotated[tuple[HandedBodyPart, ...], msgspec.Meta(max_length=2)]


class _Operations:
    """What the table calls."""

    def __init__(self, service: HostService, payloads: Payloads) -> None:
        self._service = service
        self._payloads = payloads

    def hand_over(self, call: Call) -> HandedReply:
        uuid = DomainId(self._service.domain(uuid_of(call)).domain.uuid)
        found = hand_over(self._payloads, uuid)
        return HandedReply(
            payloads=tuple(
                HandedPayload(directory=one.directory, entry=one.entry, contents=one.contents)
                for one in found
            )
        )

    def accept(self, call: Call) -> PayloadsReply:
        uuid = uuid_of(call)
        body: HandedBody = call.body
        handed = tuple(
            Handed(directory=one.directory, entry=one.entry, contents=one.contents) for one in body.payloads
        )
        try:
            if {from_bytes(one.entry).domain for one in handed} - {uuid}:
                raise ValueError("another domain's")  # noqa: TRY301 - one refusal for whatever is wrong
            accept(self._payloads, handed)
        except (ValueError, KeyError, TypeError, AttributeError):
            # Without the cause, which may hold a part of what was sent.
            problem = "not what the source has handed out"
            raise BadRequest(what="body", operation="payloads-accept", problem=problem) from None
        return self._known(uuid)

    def call_off(self, call: Call) -> PayloadsReply:
        uuid = uuid_of(call)
        call_off(self._payloads, DomainId(uuid))
        return self._known(uuid)

    def _known(self, uuid: str) -> PayloadsReply:
        return PayloadsReply(payloads=tuple(shown(one) for one in self._payloads.of(DomainId(uuid))))


def handing_endpoints(service: HostService, payloads: Payloads) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        service: knows the domains.
        payloads: of this host.
    """
    do = _Operations(service, payloads)
    incoming = "/v1/incoming/{uuid}/payloads"
    return (
        _payloads("payloads-hand-over", "POST", "/v1/domains/{uuid}/payloads-hand-over", do.hand_over),
        _payloads("payloads-accept", "PUT", incoming, do.accept),
        _payloads("payloads-call-off", "DELETE", incoming, do.call_off),
    )


_SUMMARIES: Final = {
    "payloads-hand-over": "The payloads of a domain with their contents, for the host that it goes to.",
    "payloads-accept": "Keep the payloads of a domain that is going to come, and make their images.",
    "payloads-call-off": "The domain does not come: forget its payloads, unless it is here after all.",
}


def _payloads(name: str, method: str, path: str, handle: Any) -> Endpoint:
    accepts = name == "payloads-accept"
    return Endpoint(
        name=name,
        method=method,
        path=path,
        role=Role.ADMIN,
        summary=_SUMMARIES[name],
        handle=handle,
        reply=HandedReply if name == "payloads-hand-over" else PayloadsReply,
        body=HandedBody if accepts else None,
        body_max=2 * PAYLOAD_MAX,
        errors=(DomainNotFound, PayloadPathsDiffer) if accepts else (DomainNotFound,),
        tag=_TAG,
    )
