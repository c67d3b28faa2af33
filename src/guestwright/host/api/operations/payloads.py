"""Operations on payloads of domains: define, show, consume, change the CD, remove."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from guestwright.base.record import record
from guestwright.host.api.endpoint import Call, Endpoint
from guestwright.host.api.operations.domains import uuid_of
from guestwright.host.api.operations.images import IMAGE_ERRORS, MediumBody
from guestwright.host.api.operations.ordering import ORDER_ERRORS, Ordered, OrderQuery, during
from guestwright.host.api.payload_body import PayloadBody, payload_of, persistence_of
from guestwright.host.enrol.roles import Role
from guestwright.host.media.errors import PayloadGone, PayloadInUse, PayloadNotFound, PayloadNotPlaced
from guestwright.host.media.model import Entry, Persistence, Place, Scrub, State
from guestwright.host.media.payloads import Payloads
from guestwright.host.service.port import HostService
from guestwright.hypervisor.domain import Device, DomainId
from guestwright.hypervisor.errors import DomainNotFound, TrayLocked
from guestwright.media.sources.errors import BadPayload
from guestwright.media.sources.model import Form

PAYLOAD_MAX: Final = 90 << 20  # bytes of JSON: 64 MiB in Base64
_TAG: Final = "media"
Image = Callable[[MediumBody], str]
_ONE: Final = "/v1/domains/{uuid}"
_PAYLOAD: Final = f"{_ONE}/payloads/{{persistence}}"


@record
class PayloadReply:
    """A payload, without its contents.

    Attributes:
        persistence: for every run, or the next one.
        wanted: as a CD or a floppy.
        form: who reads it.
        label: of the volume.
        scrub: when its secrets go.
        state: how far it is.
        reason: why it has failed, or is where it is.
        made: seconds since 1970.
        place: where it is or was shown; None before.
        inside: whether it is in a drive now.
    """

    persistence: Persistence
    wanted: Device
    form: Form
    label: str
    scrub: Scrub
    state: State
    reason: str
    made: int
    place: Place | None
    inside: bool


@record
class PayloadsReply:
    """Payloads of a domain.

    Attributes:
        payloads: at most one of each persistence.
    """

    payloads: tuple[PayloadReply, ...]


class RemoveQuery(OrderQuery, frozen=True):
    """How a payload is taken away, and whose order that is.

    Attributes:
        force: even though the guest keeps the drive locked.
    """

    force: bool = False


class _Operations:
    """What the table calls."""

    def __init__(
        self,
        service: HostService,
        payloads: Payloads,
        image: Image,
        jobs: Ordered,
    ) -> None:
        self._service = service
        self._jobs = jobs
        self._payloads = payloads
        self._image = image

    def listed(self, call: Call) -> PayloadsReply:
        uuid = self._known(call)
        return PayloadsReply(payloads=tuple(shown(one) for one in self._payloads.of(uuid)))

    def define(self, call: Call) -> PayloadReply:
        body: PayloadBody = call.body
        payload, wanted = payload_of(body), Device(body.wanted)
        with during(self._jobs, call.query):
            uuid = self._known(call)
            return shown(
                self._payloads.define(uuid, payload, _persistence(call), wanted=wanted, scrub=body.scrub)
            )

    def remove(self, call: Call) -> PayloadsReply:
        with during(self._jobs, call.query):
            uuid = self._known(call)
            self._payloads.remove(uuid, _persistence(call), force=call.query.force)
            return self.listed(call)

    def show(self, call: Call) -> PayloadReply:
        return shown(self._payloads.show(self._known(call), _persistence(call)))

    def consumed(self, call: Call) -> PayloadReply:
        return shown(self._payloads.consumed(self._known(call), _persistence(call)))

    def change_cd(self, call: Call) -> PayloadReply:
        body: MediumBody = call.body
        uuid = self._known(call)
        path = self._image(body)
        return shown(self._payloads.change_cd(uuid, _persistence(call), path, force=body.force))

    def _known(self, call: Call) -> DomainId:
        return DomainId(self._service.domain(uuid_of(call)).domain.uuid)


def payload_endpoints(
    service: HostService, payloads: Payloads, image: Image, jobs: Ordered
) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        service: knows the domains.
        payloads: of this host.
        image: path of an image in storage; see `images.image_path`.
        jobs: of this host, which know whose orders are too late.
    """
    do = _Operations(service, payloads, image, jobs)
    rows = (
        ("payloads", "GET", f"{_ONE}/payloads", "Payloads of a domain, without contents.", do.listed),
        ("payload-define", "PUT", _PAYLOAD, "Give a domain a payload, from its next start on.", do.define),
        ("payload-remove", "DELETE", _PAYLOAD, "Take a payload out, and destroy it.", do.remove),
        ("payload-show", "POST", f"{_PAYLOAD}/show", "Show a payload to the run under way.", do.show),
        (
            "payload-consumed",
            "POST",
            f"{_PAYLOAD}/consumed",
            "The guest needs it no more: its secrets go.",
            do.consumed,
        ),
        (
            "payload-change-cd",
            "PUT",
            f"{_PAYLOAD}/medium",
            "Another medium into the payload's drive.",
            do.change_cd,
        ),
    )
    return tuple(
        Endpoint(
            name=name,
            method=method,
            path=path,
            role=Role.VIEWER if method == "GET" else Role.OPERATOR,
            summary=summary,
            handle=handle,
            tag=_TAG,
            **_MORE[name],
        )
        for name, method, path, summary, handle in rows
    )


_OF_PAYLOAD: Final = (DomainNotFound, PayloadNotFound, TrayLocked)
_MORE: Final[Mapping[str, Mapping[str, Any]]] = {
    "payloads": {"reply": PayloadsReply, "errors": (DomainNotFound,)},
    "payload-define": {
        "reply": PayloadReply,
        "body": PayloadBody,
        "body_max": PAYLOAD_MAX,
        "query": OrderQuery,
        "errors": (DomainNotFound, BadPayload, PayloadInUse, *ORDER_ERRORS),
    },
    "payload-remove": {"reply": PayloadsReply, "query": RemoveQuery, "errors": (*_OF_PAYLOAD, *ORDER_ERRORS)},
    "payload-show": {"reply": PayloadReply, "errors": (*_OF_PAYLOAD, PayloadGone, PayloadNotPlaced)},
    "payload-consumed": {"reply": PayloadReply, "errors": _OF_PAYLOAD},
    "payload-change-cd": {
        "reply": PayloadReply,
        "body": MediumBody,
        "errors": (*_OF_PAYLOAD, PayloadNotPlaced, *IMAGE_ERRORS),
    },
}


def _persistence(call: Call) -> Persistence:
    return persistence_of(call.path["persistence"])


def shown(entry: Entry) -> PayloadReply:
    """A payload as the API shows it, without the names of its image and contents."""
    names = ("persistence", "wanted", "form", "label", "scrub", "state", "reason", "made", "place", "inside")
    return PayloadReply(**{name: getattr(entry, name) for name in names})
