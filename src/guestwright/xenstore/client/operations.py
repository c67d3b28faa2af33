"""What can be asked of a store, without saying how to wait for the answer.

Theory of operation: an operation is a generator that yields requests, is sent the replies (or has the
refusal thrown into it), and returns its result. Synchronous and asyncio clients run the same generators, so
everything that takes more than one request, such as long directories, is written once. An operation that
has many questions yields them as `Several`, which are all sent before the first answer is awaited.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from guestwright.base.record import record
from guestwright.xenstore.client.errors import (
    AccessDenied,
    InvalidRequest,
    NoSuchPath,
    NotOffered,
    QuotaExceeded,
    Refused,
)
from guestwright.xenstore.core import requests
from guestwright.xenstore.core.errors import BadMessage
from guestwright.xenstore.core.replies import Names, Number, Part, Reply, Value

T = TypeVar("T")
R = TypeVar("R")
AT_ONCE: Final = 64  # nodes of a tree that are asked about together


@dataclass(frozen=True, slots=True)
class Several:
    """Requests that do not depend on each other."""

    requests: Sequence[requests.Request]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of each of `Several`: its reply, or why the server refused it."""

    each: Sequence[Reply | Refused]


Steps = Generator[requests.Request | Several, Reply | Outcomes, T]


@record
class Node:
    """A node as `tree` found it.

    Attributes:
        path: spelt as the start of the walk was (relative or absolute).
        value: None if it may be listed but not read.
        perms: entries such as `n0`, the owner's first; empty if they were not asked for.
        depth: how far below the start of the walk, which is 0.
    """

    path: str
    value: bytes | None
    perms: tuple[str, ...]
    depth: int


def read(path: str) -> Steps[bytes]:
    """The value of a node."""
    return expect((yield requests.Read(raw(path, "read"))), Value).value


def get(path: str) -> Steps[bytes | None]:
    """The value of a node, or None when there is none."""
    try:
        return (yield from read(path))
    except NoSuchPath:
        return None


def exists(path: str) -> Steps[bool]:
    """Whether there is such a node, as far as this domain may know."""
    return (yield from get(path)) is not None


def write(path: str, value: bytes | str) -> Steps[None]:
    """Set a value; nodes above that are missing are made."""
    yield requests.Write(raw(path, "write"), value.encode() if isinstance(value, str) else value)


def mkdir(path: str) -> Steps[None]:
    """Make a node with an empty value unless it is there."""
    yield requests.Mkdir(raw(path, "make"))


def rm(path: str) -> Steps[None]:
    """Remove a node and all below it; one that is missing from a directory that exists is no error."""
    yield requests.Rm(raw(path, "remove"))


def children(path: str) -> Steps[list[str]]:
    """Names of the nodes directly below, in the server's order."""
    target = raw(path, "list")
    try:
        names: Sequence[bytes] = expect((yield requests.Directory(target)), Names).names
    except QuotaExceeded as too_long:  # E2BIG: they do not fit into one reply
        try:
            names = yield from _parts(target)
        except NotOffered:
            raise too_long from None
    return [text(name) for name in names]


def _parts(target: bytes) -> Steps[list[bytes]]:
    """A directory in pieces; begins anew when it changes meanwhile."""
    listing, generation = b"", None
    while True:
        part = expect((yield requests.DirectoryPart(target, len(listing))), Part)
        if generation not in {None, part.generation}:
            listing, generation = b"", None
            continue
        generation = part.generation
        listing += part.listing
        if part.last:
            return listing.split(b"\0")[:-1]
        if not part.listing:
            raise BadMessage(kind=requests.DirectoryPart.kind, detail="a part without names is not the last")


def get_perms(path: str) -> Steps[list[str]]:
    """The permissions of a node: entries such as `n0`, the owner's first."""
    reply = yield requests.GetPerms(raw(path, "read the permissions of"))
    return [text(one) for one in expect(reply, Names).names]


def set_perms(path: str, perms: Iterable[str]) -> Steps[None]:
    """Replace the permissions of a node."""
    entries = tuple([raw(one, "set the permissions of") for one in perms])
    yield requests.SetPerms(raw(path, "set the permissions of"), entries)


def tree(path: str, *, perms: bool = False) -> Steps[list[Node]]:
    """A node and all below it, parents before children; nodes that vanish meanwhile are left out.

    Args:
        path: where to begin; it must exist.
        perms: whether to ask for permissions too.
    """
    found: dict[str, tuple[Node, list[str]]] = {}
    todo = [(path, 0)]
    while todo:
        now, todo = todo[-AT_ONCE:], todo[:-AT_ONCE]
        for at, depth, outcome in (yield from _ask_about(now, perms=perms)):
            try:
                node, below = yield from _node(at, depth, outcome)
            except NoSuchPath:
                if depth == 0:
                    raise
                continue
            found[at] = node, below
            todo.extend((child_path(at, name), depth + 1) for name in below)
    return list(_in_order(path, found))


def _ask_about(
    nodes: Sequence[tuple[str, int]], *, perms: bool
) -> Steps[list[tuple[str, int, Sequence[Reply | Refused]]]]:
    """Children, value and, if wanted, permissions of some nodes."""
    kinds: tuple[Callable[[bytes], requests.Request], ...]
    kinds = (requests.Directory, requests.Read, *((requests.GetPerms,) if perms else ()))
    asked = [kind(raw(at, "list")) for at, _ in nodes for kind in kinds]
    outcomes = expect((yield Several(asked)), Outcomes).each
    size = len(kinds)
    return [(*node, outcomes[size * n : size * (n + 1)]) for n, node in enumerate(nodes)]


def _node(path: str, depth: int, outcome: Sequence[Reply | Refused]) -> Steps[tuple[Node, list[str]]]:
    """A node and the names below it."""
    names, value, *perms = outcome
    if isinstance(names, QuotaExceeded):  # too many for one reply
        below = yield from children(path)
    else:
        below = [text(name) for name in _accept(names, Names).names]
    node = Node(
        path=path,
        value=None if isinstance(value, AccessDenied) else _accept(value, Value).value,
        perms=tuple([text(one) for entry in perms for one in _accept(entry, Names).names]),
        depth=depth,
    )
    return node, below


def _in_order(path: str, found: Mapping[str, tuple[Node, list[str]]]) -> Iterator[Node]:
    todo = [path]
    while todo:
        here = found.get(todo.pop())
        if here is not None:
            node, below = here
            yield node
            todo.extend(child_path(node.path, name) for name in reversed(below))


def simple(request: requests.Request) -> Steps[None]:
    """Any request whose reply says nothing but that it was done."""
    yield request


def start() -> Steps[int]:
    """Begin a transaction; its id."""
    return expect((yield requests.TransactionStart()), Number).value


def child_path(path: str, name: str) -> str:
    """The path of a child."""
    return path + name if path.endswith("/") else f"{path}/{name}"


def raw(word: str, operation: str) -> bytes:
    """A path or word as bytes.

    Raises:
        InvalidRequest: it has a NUL, which would end it on the wire.
    """
    encoded = word.encode("utf-8", "surrogateescape")
    if b"\0" in encoded:
        raise InvalidRequest(operation=operation, subject=word, errno="EINVAL", attempts=1)
    return encoded


def text(word: bytes) -> str:
    """Bytes of a name as text; those that no name may have come back by `raw` as they were."""
    return word.decode("utf-8", "surrogateescape")


def expect(reply: Reply | Outcomes, kind: type[R]) -> R:
    """The reply, which must be of this kind.

    Raises:
        BadMessage: it is not.
    """
    if not isinstance(reply, kind):
        raise BadMessage(kind="unknown", detail=f"a {kind.__name__} was expected, not {reply!r}")
    return reply


def _accept(outcome: Reply | Refused, kind: type[R]) -> R:
    if isinstance(outcome, Refused):
        raise outcome
    return expect(outcome, kind)
