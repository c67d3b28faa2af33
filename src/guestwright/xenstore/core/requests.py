"""Requests as values, for clients and tests; the server handles bytes.

Theory of operation: one class for each operation. `payload()` is what goes over the wire;
`request_parser.parse_request` is its inverse. Paths, tokens and values are bytes. Every payload but those
of GET_FEATURE and GET_QUOTA has at least one NUL, because oxenstored on a socket does not process an empty
one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from guestwright.xenstore.core import wire
from guestwright.xenstore.core.errors import BadMessage


class Request(Protocol):
    """What all requests have."""

    kind: ClassVar[int]

    def payload(self) -> bytes:
        """The bytes after the header."""


def encode(request: Request, request_id: int = 0, transaction_id: int = 0) -> bytes:
    """The whole message.

    Raises:
        BadMessage: it is longer than the protocol allows.
    """
    payload = request.payload()
    if len(payload) > wire.PAYLOAD_MAX:
        raise BadMessage(
            kind=request.kind, detail=f"{len(payload)} bytes, at most {wire.PAYLOAD_MAX} can be sent"
        )
    return wire.frame(request.kind, request_id, transaction_id, payload)


@dataclass(frozen=True, slots=True)
class _OnPath:
    """A request that has one path and nothing else."""

    path: bytes

    def payload(self) -> bytes:
        """The bytes after the header."""
        return self.path + b"\0"


@dataclass(frozen=True, slots=True)
class _OnDomain:
    """A request that has one domain and nothing else."""

    domid: int

    def payload(self) -> bytes:
        """The bytes after the header."""
        return b"%d\0" % self.domid


@dataclass(frozen=True, slots=True)
class _Bare:
    """A request that has nothing."""

    def payload(self) -> bytes:
        """The bytes after the header."""
        del self
        return b"\0"


class Directory(_OnPath):
    """Names of children."""

    __slots__ = ()
    kind: ClassVar[int] = wire.DIRECTORY


class Read(_OnPath):
    """Value of a node."""

    __slots__ = ()
    kind: ClassVar[int] = wire.READ


class GetPerms(_OnPath):
    """Permissions of a node."""

    __slots__ = ()
    kind: ClassVar[int] = wire.GET_PERMS


class Mkdir(_OnPath):
    """Make a node."""

    __slots__ = ()
    kind: ClassVar[int] = wire.MKDIR


class Rm(_OnPath):
    """Remove a subtree."""

    __slots__ = ()
    kind: ClassVar[int] = wire.RM


class Release(_OnDomain):
    """Let go of a domain."""

    __slots__ = ()
    kind: ClassVar[int] = wire.RELEASE


class Resume(_OnDomain):
    """A domain goes on after it was shut down."""

    __slots__ = ()
    kind: ClassVar[int] = wire.RESUME


class GetDomainPath(_OnDomain):
    """A domain's directory."""

    __slots__ = ()
    kind: ClassVar[int] = wire.GET_DOMAIN_PATH


class IsDomainIntroduced(_OnDomain):
    """Whether a domain is introduced."""

    __slots__ = ()
    kind: ClassVar[int] = wire.IS_DOMAIN_INTRODUCED


class TransactionStart(_Bare):
    """Begin a transaction."""

    __slots__ = ()
    kind: ClassVar[int] = wire.TRANSACTION_START


class ResetWatches(_Bare):
    """Forget all watches and transactions."""

    __slots__ = ()
    kind: ClassVar[int] = wire.RESET_WATCHES


@dataclass(frozen=True, slots=True)
class Control:
    """A command with arguments."""

    words: tuple[bytes, ...]
    kind: ClassVar[int] = wire.CONTROL

    def payload(self) -> bytes:
        """The bytes after the header."""
        return _join(self.words)


@dataclass(frozen=True, slots=True)
class Watch:
    """Register a watch; `depth` needs the feature `FEATURE_WATCH_DEPTH`."""

    path: bytes
    token: bytes
    depth: int | None = None
    kind: ClassVar[int] = wire.WATCH

    def payload(self) -> bytes:
        """The bytes after the header."""
        depth = () if self.depth is None else (b"%d" % self.depth,)
        return _join((self.path, self.token, *depth))


@dataclass(frozen=True, slots=True)
class Unwatch:
    """Forget a watch."""

    path: bytes
    token: bytes
    kind: ClassVar[int] = wire.UNWATCH

    def payload(self) -> bytes:
        """The bytes after the header."""
        return _join((self.path, self.token))


@dataclass(frozen=True, slots=True)
class TransactionEnd:
    """Commit or abort the transaction that the header names."""

    commit: bool
    kind: ClassVar[int] = wire.TRANSACTION_END

    def payload(self) -> bytes:
        """The bytes after the header."""
        return b"T\0" if self.commit else b"F\0"


@dataclass(frozen=True, slots=True)
class Introduce:
    """Connect the store to a domain's ring."""

    domid: int
    gfn: int
    port: int
    kind: ClassVar[int] = wire.INTRODUCE

    def payload(self) -> bytes:
        """The bytes after the header."""
        return b"%d\0%d\0%d\0" % (self.domid, self.gfn, self.port)


@dataclass(frozen=True, slots=True)
class Write:
    """Set a value."""

    path: bytes
    value: bytes
    kind: ClassVar[int] = wire.WRITE

    def payload(self) -> bytes:
        """The bytes after the header."""
        return self.path + b"\0" + self.value


@dataclass(frozen=True, slots=True)
class SetPerms:
    """Replace permissions; entries such as `n0`, the owner's first."""

    path: bytes
    perms: tuple[bytes, ...]
    kind: ClassVar[int] = wire.SET_PERMS

    def payload(self) -> bytes:
        """The bytes after the header."""
        return _join((self.path, *self.perms))


@dataclass(frozen=True, slots=True)
class SetTarget:
    """Give a domain the rights of another one as well."""

    domid: int
    target: int
    kind: ClassVar[int] = wire.SET_TARGET

    def payload(self) -> bytes:
        """The bytes after the header."""
        return b"%d\0%d\0" % (self.domid, self.target)


@dataclass(frozen=True, slots=True)
class DirectoryPart:
    """Names of children from a byte offset of the whole list."""

    path: bytes
    offset: int
    kind: ClassVar[int] = wire.DIRECTORY_PART

    def payload(self) -> bytes:
        """The bytes after the header."""
        return self.path + b"\0%d\0" % self.offset


@dataclass(frozen=True, slots=True)
class GetFeature:
    """Features that the caller, or a domain, sees."""

    domid: int | None = None
    kind: ClassVar[int] = wire.GET_FEATURE

    def payload(self) -> bytes:
        """The bytes after the header."""
        return b"" if self.domid is None else b"%d\0" % self.domid


@dataclass(frozen=True, slots=True)
class SetFeature:
    """Decide what features a domain will see."""

    domid: int
    bits: int
    kind: ClassVar[int] = wire.SET_FEATURE

    def payload(self) -> bytes:
        """The bytes after the header."""
        return b"%d\0%d\0" % (self.domid, self.bits)


@dataclass(frozen=True, slots=True)
class GetQuota:
    """Names of the quotas, or one of the store's, or one of a domain's."""

    name: bytes | None = None
    domid: int | None = None
    kind: ClassVar[int] = wire.GET_QUOTA

    def payload(self) -> bytes:
        """The bytes after the header."""
        if self.name is None:
            return b""
        return (b"" if self.domid is None else b"%d\0" % self.domid) + self.name + b"\0"


@dataclass(frozen=True, slots=True)
class SetQuota:
    """Set a quota of the store, or of a domain; 0 is unlimited."""

    name: bytes
    value: int
    domid: int | None = None
    kind: ClassVar[int] = wire.SET_QUOTA

    def payload(self) -> bytes:
        """The bytes after the header."""
        return (b"" if self.domid is None else b"%d\0" % self.domid) + self.name + b"\0%d\0" % self.value


def _join(words: Sequence[bytes]) -> bytes:
    return b"".join([word + b"\0" for word in words])
