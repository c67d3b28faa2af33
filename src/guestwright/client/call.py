"""A call of the engine's API as a value: what is sent, and what the answer means."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote, urlencode

from guestwright.base.record import record

T = TypeVar("T")
Json = dict[str, Any]
BASE: Final = "/api/v1"
BYTES: Final = "application/octet-stream"


@record
class Request:
    """One request, without what each connection adds (Host, Authorization).

    Attributes:
        method: of HTTP.
        target: path and query, quoted, below the server's prefix.
        body: JSON as bytes; None for none.
        headers: by name.
        seconds: to wait for any part of the answer.
    """

    method: str
    target: str
    body: bytes | None = None
    headers: Mapping[str, str] = {}
    seconds: float = 60.0

    def __str__(self) -> str:
        return f"{self.method} {self.target.partition('?')[0]}"[:200]


@record
class Answer:
    """An answer, whole. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Call(Generic[T]):
    """A call.

    Args:
        method: of HTTP.
        path: below /api/v1, of parts that are quoted here.
        read: what the answer's JSON (None without a body) means; TypeError, KeyError, ValueError or
            AttributeError say that no engine sends this.
        query: parameters; those that are None are left out, lists are repeated.
        body: to be sent as JSON; None for none.
        data: to be sent as it is, in place of `body`; secret perhaps, and not shown.
        raw: whether the answer is no JSON, and `read` gets its bytes.
        etag: version that must still be there (If-Match); "" for any.
        keyed: whether it gets an Idempotency-Key, the same for all attempts: what makes something does.
        repeatable: whether it may be sent again after an answer that did not come; None: GET, PUT, DELETE and
            what is keyed.
        seconds: to wait for any part of the answer.
    """

    __slots__ = (
        *("body", "data", "etag", "keyed", "method", "path"),
        *("query", "raw", "read", "repeatable", "seconds"),
    )

    def __init__(
        self,
        method: str,
        path: tuple[str, ...],
        read: Callable[[Any], T],
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        data: bytes | None = None,
        raw: bool = False,
        etag: str = "",
        keyed: bool = False,
        repeatable: bool | None = None,
        seconds: float = 60.0,
    ) -> None:
        self.method = method
        self.path = path
        self.read = read
        self.query = dict(query or {})
        self.body = body
        self.data = data
        self.raw = raw
        self.etag = etag
        self.keyed = keyed
        plain = keyed or method in {"GET", "PUT", "DELETE"}  # RFC 9110, 9.2.2
        self.repeatable = plain if repeatable is None else repeatable
        self.seconds = seconds

    def request(self, key: str) -> Request:
        """What is sent.

        Args:
            key: for Idempotency-Key, if this is keyed.
        """
        headers = {"Accept": BYTES if self.raw else "application/json"}
        if self.etag:
            headers["If-Match"] = f'"{self.etag}"'
        if self.keyed:
            headers["Idempotency-Key"] = key
        data = self.data
        if data is not None:
            headers["Content-Type"] = BYTES
        if self.body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(self.body, separators=(",", ":")).encode()
        given = {name: value for name, value in self.query.items() if value is not None}
        target = BASE + "".join(f"/{quote(part, safe='')}" for part in self.path)
        target += f"?{urlencode(given, doseq=True)}" if given else ""
        return Request(method=self.method, target=target, body=data, headers=headers, seconds=self.seconds)

    def with_query(self, **more: Any) -> Call[T]:
        """The same with other parameters."""
        return Call(
            self.method,
            self.path,
            self.read,
            query={**self.query, **more},
            body=self.body,
            data=self.data,
            raw=self.raw,
            etag=self.etag,
            keyed=self.keyed,
            repeatable=self.repeatable,
            seconds=self.seconds,
        )


class Page:
    """A part of a list: `items`, and the cursor of the `next` part, "" at the end."""

    __slots__ = ("items", "next")

    def __init__(self, items: list[Json], next: str) -> None:  # noqa: A002 - as the API calls it
        self.items = items
        self.next = next


def thing(found: Any) -> Json:
    """An object."""
    if not isinstance(found, dict):
        raise TypeError("no JSON object")
    return found


def nothing(found: Any) -> None:
    """No matter what."""
    del found


def page(found: Any) -> Page:
    """A part of a list."""
    items = [thing(one) for one in found["items"]]
    after = found.get("next") or ""
    if not isinstance(after, str):
        raise TypeError("its cursor is no text")
    return Page(items, after)


def job(found: Any) -> Json:
    """The job of an answer that says that it takes long."""
    return thing(found["job"])


def upload_of(found: Any) -> Json:
    """An upload, with its `id`, and `missing`: first byte, and the one after the last, of each piece."""
    made = thing(found)
    if not isinstance(made["id"], str):
        raise TypeError("its id is no text")
    for first, last in made["missing"]:
        if not (isinstance(first, int) and isinstance(last, int) and 0 <= first < last):
            raise TypeError("what is missing are no pieces")
    return made
