"""The stream of events: a page of it as JSON, or all that comes as server-sent events."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final

import msgspec

from guestwright.base.secret import Secret
from guestwright.engine.accounts.rights import Right
from guestwright.engine.api import headers
from guestwright.engine.api.endpoint import Call, Endpoint, Later
from guestwright.engine.api.event_stream import EventStream
from guestwright.engine.api.follower import Follower, Wanted
from guestwright.engine.api.parts import Parts
from guestwright.engine.inventory.errors import BadResumeToken
from guestwright.http_api.shapes import shaped

EVENT_STREAM: Final = "text/event-stream"
_Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class EventReply(msgspec.Struct, frozen=True):
    """Something happened.

    Attributes:
        sequence: its number.
        at: seconds since 1970.
        kind: what: "vm-changed", "facts-changed" ….
        subject: id of what it is about.
        body: more about it.
    """

    sequence: int
    at: float
    kind: str
    subject: str
    body: dict[str, Any]


class EventPage(msgspec.Struct, frozen=True):
    """Events.

    Attributes:
        items: in order.
        token: where to go on.
        missed: whether events before these are gone: what is known must be read anew.
        more: whether there may be more already.
    """

    items: tuple[EventReply, ...]
    token: str
    missed: bool
    more: bool


class EventsQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which events.

    Attributes:
        after: a place in the stream; without it the present end, or with "" the oldest event that is kept.
        wait: seconds to wait for one, behind a place that was given.
        limit: events in a page.
        kind: only such; may be given several times.
        subject: only about these; may be given several times.
    """

    after: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    wait: Annotated[float, msgspec.Meta(ge=0, le=50)] = 0.0
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 256
    kind: tuple[_Word, ...] = ()
    subject: tuple[_Word, ...] = ()


def event_endpoints(parts: Parts, follower: Follower) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        parts: of the engine.
        follower: of the stream.
    """

    def events(call: Call) -> EventPage | Later | EventStream:
        asked: EventsQuery = call.query
        with parts.database.read() as tx:
            after = call.headers.get("last-event-id", asked.after)
            place = tx.events.token if after is None else after
            if call.headers.get("accept", "").partition(";")[0].strip().lower() == EVENT_STREAM:
                follower.admit()
                tx.events.after(place, most=1)  # refuses what is no place
                wanted = Wanted(kinds=frozenset(asked.kind), subjects=frozenset(asked.subject))
                text = Secret(headers.bearer(call.headers) or "")
                return EventStream(follower, place, wanted, partial(parts.tokens.accept, text, call.remote))
            batch = tx.events.after(place, most=asked.limit, kinds=asked.kind, subjects=asked.subject)
        items = tuple(shaped(one, EventReply, from_attributes=True) for one in batch.events)
        page = EventPage(items=items, token=batch.token, missed=batch.missed, more=batch.more)
        waits = after is not None and not items and not batch.missed
        return Later(value=page) if waits else page

    return (
        Endpoint(
            name="events",
            method="GET",
            path="/events",
            right=Right.READ,
            summary="What happened; with Accept: text/event-stream all that comes, resumed by Last-Event-ID.",
            handle=events,
            reply=EventPage,
            query=EventsQuery,
            wait=lambda call: float(call.query.wait),
            errors=(BadResumeToken,),
            tag="events",
        ),
    )
