"""Events, page by page; `Client.events` follows them."""

from __future__ import annotations

from typing import Any

from guestwright.base.record import record
from guestwright.client.call import Call
from guestwright.client.stream import Event, event_of


@record
class Batch:
    """Events.

    Attributes:
        items: in order.
        token: where to go on.
        missed: whether events before these are gone: what is known must be read anew.
        more: whether there may be more already.
    """

    items: tuple[Event, ...]
    token: str
    missed: bool
    more: bool


def look(
    after: str | None = None,
    *,
    wait: int = 0,
    limit: int = 0,
    kinds: tuple[str, ...] = (),
    subjects: tuple[str, ...] = (),
) -> Call[Batch]:
    """Events behind a place.

    Args:
        after: token; "" for the oldest that is kept, None for now: then only `token` says something.
        wait: seconds to wait for one, at most 50.
        limit: at most so many; 0 for the engine's own number.
        kinds: only of these.
        subjects: only about these ids.
    """
    query = {"after": after, "wait": wait or None, "limit": limit or None}
    more = {"kind": list(kinds), "subject": list(subjects)}
    return Call("GET", ("events",), _batch, query={**query, **more}, seconds=60.0 + wait)


def _batch(found: Any) -> Batch:
    token = str(found["token"])
    epoch = token.partition(".")[0]
    items = tuple(event_of(f"{epoch}.{one['sequence']}", one) for one in found["items"])
    return Batch(items=items, token=token, missed=bool(found["missed"]), more=bool(found["more"]))
