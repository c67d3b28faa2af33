"""What one operation of the API is: a row of a table. Routing, rights, documentation and a test read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import field, record
from guestwright.engine.accounts.errors import MayNot
from guestwright.engine.accounts.rights import Principal, Right

ROOT: Final = "/api/v1"
BODY_MAX: Final = 64 << 10
SECONDS: Final = 60.0


class Pool(StrEnum):
    """Whose threads an operation takes, so that what is slow holds up nothing else."""

    DATABASE = "database"
    GUESTS = "guests"  # live actions
    PASSWORDS = "passwords"  # 64 MiB and a tenth of a second each
    TRANSFERS = "transfers"  # pieces of disks, on their way from and to hosts


@record
class Call:
    """One request, checked.

    Attributes:
        by: who calls; None where anybody may.
        remote: address of the caller.
        path: names in the path to their values.
        query: an instance of `Endpoint.query`.
        body: an instance of `Endpoint.body`.
        key: the Idempotency-Key, the caller's own; "" for none.
        match: version that `If-Match` names; None for whichever it is.
        headers: by name, whatever its case.
    """

    by: Principal | None
    remote: str
    path: Mapping[str, str]
    query: Any
    body: Any
    key: str = ""
    match: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def who(self) -> Principal:
        """Who calls, of an operation that needs a right."""
        if self.by is None:
            raise MayNot(name="nobody", right=Right.READ)
        return self.by


@record
class Answer:
    """More than a value.

    Attributes:
        value: of the body; None for no body.
        version: of the thing, for its `ETag`; None for things without.
        location: path of what was made, below the root.
        status: of HTTP; None for the endpoint's.
    """

    value: Any
    version: int | None = None
    location: str = ""
    status: int | None = None


@record
class Later:
    """What was waited for has not come yet: the operation is asked again while there is time.

    Attributes:
        value: the answer when there is no more time.
    """

    value: Any


@record
class Endpoint:
    """One operation.

    Attributes:
        name: stable, kebab-case; the OpenAPI `operationId`, and the action in the audit log.
        method: of HTTP.
        path: below the root, with `{names}`.
        right: that the caller needs; None where anybody may.
        summary: one line.
        handle: does it, in a thread; gets the call, returns an instance of `reply`, an `Answer` or a `Later`.
        reply: `msgspec.Struct` of the answer; None for no body; `bytes` for what is no JSON.
        body: `msgspec.Struct` of the request's body; None for none.
        query: `msgspec.Struct` of its query; None for none.
        status: of the answer when all is well.
        body_max: bytes.
        seconds: after which the caller is told that it takes too long.
        wait: seconds for which a call wants to wait, see `Later`.
        errors: that are to be expected besides those of every operation, for the documentation.
        tag: under which it is documented.
        pool: whose threads it takes.
        matched: whether it honours `If-Match`.
        keyed: whether it makes a job that honours `Idempotency-Key`.
        kept: whether the answer to an `Idempotency-Key` is kept.
        audited: whether `handle` itself writes the audit log, of what it was asked to do.
        secret: whether its answer is a secret of its caller.
        media: type of the answer's body, or where `body` is bytes of the request's.
        streams: whether `handle` gets no body and returns an `Incoming`, which takes it by pieces.
        ranged: whether it answers one `Range` of its body.
    """

    name: str
    method: str
    path: str
    right: Right | None
    summary: str
    handle: Callable[[Call], Any]
    reply: Any
    body: Any = None
    query: Any = None
    status: int = 200
    body_max: int = BODY_MAX
    seconds: float = SECONDS
    wait: Callable[[Call], float] | None = None
    errors: tuple[type[GuestwrightError], ...] = field(default=())
    tag: str = ""
    pool: Pool = Pool.DATABASE
    matched: bool = False
    keyed: bool = False
    kept: bool = False
    audited: bool = False
    secret: bool = False
    media: str = "application/json"
    streams: bool = False
    ranged: bool = False

    @property
    def changes(self) -> bool:
        """Whether something is different afterwards; if so it is audited."""
        return self.method not in ("GET", "HEAD")
