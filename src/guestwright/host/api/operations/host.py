"""Operations on the host itself, and its event stream."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec

from guestwright.base.record import record
from guestwright.host.api.endpoint import Call, Endpoint
from guestwright.host.api.event_stream import EventStream
from guestwright.host.api.tally import Tally
from guestwright.host.enrol.roles import Role
from guestwright.host.event_ring import Event, parse_token
from guestwright.host.facts.duplicates import Duplicate
from guestwright.host.journal import Journal
from guestwright.host.service.port import AboutHost, HostService
from guestwright.http_api.errors import BadRequest, Busy

STREAMS_MAX: Final = 256
_TAG: Final = "host"


@record
class Whoami:
    """Who the caller is to the service.

    Attributes:
        caller: "uid:0", "cert:ann".
        role: what it may do.
    """

    caller: str
    role: Role


@record
class Duplicates:
    """Identities that several domains claim.

    Attributes:
        duplicates: each of them.
    """

    duplicates: tuple[Duplicate, ...]


class EventsQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which events.

    Attributes:
        after: token after which to begin, as the header `Last-Event-ID`, which counts more. At the present
            end without either; "0" is the oldest that is kept.
        kinds: names of kinds with commas between; all without it.
        subject: uuid of a domain or id of a job; all without it.
        follow: whether to wait for more; without it, the answer ends with the present end of the stream.
    """

    after: Annotated[str, msgspec.Meta(max_length=100)] = ""
    kinds: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    subject: Annotated[str, msgspec.Meta(max_length=100)] = ""
    follow: bool = True


@record
class EventMessage:
    """The data of one event.

    Attributes:
        kind: what happened.
        subject: to whom: the uuid of a domain, the id of a job, "" for the service.
        time: seconds since 1970.
        data: more, by kind.
    """

    kind: str
    subject: str
    time: float
    data: Mapping[str, Any]


def host_endpoints(service: HostService) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        service: what answers.
    """
    return (
        Endpoint(
            name="about",
            method="GET",
            path="/v1",
            role=Role.VIEWER,
            summary="The service and what it stands on.",
            handle=lambda _: service.about(),
            reply=AboutHost,
            tag=_TAG,
        ),
        Endpoint(
            name="whoami",
            method="GET",
            path="/v1/whoami",
            role=Role.VIEWER,
            summary="Who the caller is, and what it may do.",
            handle=lambda call: Whoami(caller=str(call.caller), role=call.caller.role),
            reply=Whoami,
            tag=_TAG,
        ),
        Endpoint(
            name="duplicates",
            method="GET",
            path="/v1/duplicates",
            role=Role.VIEWER,
            summary="Identities (machine id, SSH host key, MAC address) that several domains claim.",
            handle=lambda _: Duplicates(duplicates=service.duplicates()),
            reply=Duplicates,
            tag=_TAG,
        ),
    )


def event_endpoints(journal: Journal, tally: Tally) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        journal: the events.
        tally: counters.
    """
    places = threading.BoundedSemaphore(STREAMS_MAX)

    def handle(call: Call) -> EventStream:
        query: EventsQuery = call.query
        text = call.headers.get("last-event-id", "") or query.after
        token = end = journal.token
        if text:
            found = parse_token(f"{token.epoch}.0" if text == "0" else text)
            if found is None:
                raise BadRequest(what="token", operation="events", problem=f"{text[:100]} is none of ours")
            token = found
        kinds = frozenset(one for one in query.kinds.split(",") if one)

        def wanted(event: Event) -> bool:
            return (not kinds or event.kind in kinds) and query.subject in ("", event.subject)

        if not places.acquire(blocking=False):
            raise Busy(what="event streams", most=STREAMS_MAX)
        last = None if query.follow else end
        return EventStream(journal, token, wanted, tally, places.release, last=last)

    return (
        Endpoint(
            name="events",
            method="GET",
            path="/v1/events",
            role=Role.VIEWER,
            summary="What happens, as server-sent events; resumed with Last-Event-ID.",
            handle=handle,
            reply=EventMessage,
            query=EventsQuery,
            media="text/event-stream",
            tag=_TAG,
        ),
    )
