"""Replies and events as values, for clients and tests; the server handles bytes.

Theory of operation: the form of a reply is that of the operation it answers, so `parse_reply` needs the
kind of the message; errors and events have kinds of their own. An error keeps the name as it was sent,
because oxenstored sends names (EQUOTA) that are in no table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from guestwright.xenstore.core import wire
from guestwright.xenstore.core.errors import BadMessage


@dataclass(frozen=True, slots=True)
class Done:
    """It was done."""

    def payload(self) -> bytes:
        """The bytes after the header."""
        del self
        return wire.OK


@dataclass(frozen=True, slots=True)
class Value:
    """A value, or text, as it is."""

    value: bytes

    def payload(self) -> bytes:
        """The bytes after the header."""
        return self.value


@dataclass(frozen=True, slots=True)
class Names:
    """Names of children, permission entries, words."""

    names: tuple[bytes, ...]

    def payload(self) -> bytes:
        """The bytes after the header."""
        return b"".join([name + b"\0" for name in self.names])


@dataclass(frozen=True, slots=True)
class Text:
    """One string."""

    text: bytes

    def payload(self) -> bytes:
        """The bytes after the header."""
        return self.text + b"\0"


@dataclass(frozen=True, slots=True)
class Number:
    """One number: a transaction's id, a bitmap."""

    value: int

    def payload(self) -> bytes:
        """The bytes after the header."""
        return b"%d\0" % self.value


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""

    value: bool

    def payload(self) -> bytes:
        """The bytes after the header."""
        return b"T\0" if self.value else b"F\0"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a directory.

    Attributes:
        generation: of the directory; if it differs from the first part's, start anew.
        listing: names with their terminators.
        last: whether nothing follows.
    """

    generation: int
    listing: bytes
    last: bool

    def payload(self) -> bytes:
        """The bytes after the header."""
        return b"%d\0" % self.generation + self.listing + (b"\0" if self.last else b"")


@dataclass(frozen=True, slots=True)
class Failure:
    """An error, by the name that was sent."""

    name: str

    def payload(self) -> bytes:
        """The bytes after the header."""
        return self.name.encode("ascii") + b"\0"

    @property
    def errno(self) -> wire.Errno:
        """The error; EINVAL for names that the protocol does not know, as in Xen's own client."""
        try:
            return wire.Errno(self.name)
        except ValueError:
            return wire.Errno.EINVAL


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """Something happened at a path; `token` says which watch saw it."""

    path: bytes
    token: bytes

    def payload(self) -> bytes:
        """The bytes after the header."""
        return self.path + b"\0" + self.token + b"\0"


Reply = Done | Value | Names | Text | Number | Flag | Part | Failure | WatchEvent


def parse_reply(kind: int, payload: bytes) -> Reply:
    """The reply or event that a message means.

    Args:
        kind: type from the header.
        payload: what follows the header.

    Raises:
        BadMessage: no such kind, or not its form.
    """
    parser = _PARSERS.get(kind)
    if parser is None:
        raise BadMessage(kind=kind, detail="no such operation")
    try:
        reply: Reply = parser(payload)
    except ValueError as error:
        raise BadMessage(kind=kind, detail="a server does not send this") from error
    return reply


def _done(payload: bytes) -> Done:
    if payload != wire.OK:
        raise ValueError
    return Done()


def _names(payload: bytes) -> Names:
    if payload and payload[-1:] != b"\0":
        raise ValueError
    return Names(tuple(wire.strings(payload)))


def _text(payload: bytes) -> Text:
    text = wire.single(payload)
    if text is None:
        raise ValueError
    return Text(text)


def _number(payload: bytes) -> Number:
    value = wire.number(payload[:-1])
    if value is None or payload[-1:] != b"\0":
        raise ValueError
    return Number(value)


def _flag(payload: bytes) -> Flag:
    if payload not in {b"T\0", b"F\0"}:
        raise ValueError
    return Flag(payload == b"T\0")


def _part(payload: bytes) -> Part:
    generation, nul, listing = payload.partition(b"\0")
    if not nul or not generation.isdigit() or len(generation) > 20:
        raise ValueError
    last = listing == b"\0" or listing.endswith(b"\0\0")
    return Part(int(generation), listing[:-1] if last else listing, last)


def _failure(payload: bytes) -> Failure:
    return Failure(payload.rstrip(b"\0").decode("ascii"))


def _event(payload: bytes) -> WatchEvent:
    words = wire.strings(payload)
    if len(words) < 2:
        raise ValueError
    return WatchEvent(words[0], words[1])


_PARSERS: Final[dict[int, Callable[[bytes], Any]]] = {
    wire.CONTROL: Value,
    wire.DIRECTORY: _names,
    wire.READ: Value,
    wire.GET_PERMS: _names,
    wire.WATCH: _done,
    wire.UNWATCH: _done,
    wire.TRANSACTION_START: _number,
    wire.TRANSACTION_END: _done,
    wire.INTRODUCE: _done,
    wire.RELEASE: _done,
    wire.GET_DOMAIN_PATH: _text,
    wire.WRITE: _done,
    wire.MKDIR: _done,
    wire.RM: _done,
    wire.SET_PERMS: _done,
    wire.WATCH_EVENT: _event,
    wire.ERROR: _failure,
    wire.IS_DOMAIN_INTRODUCED: _flag,
    wire.RESUME: _done,
    wire.SET_TARGET: _done,
    wire.RESET_WATCHES: _done,
    wire.DIRECTORY_PART: _part,
    wire.GET_FEATURE: _number,
    wire.SET_FEATURE: _done,
    wire.GET_QUOTA: _text,
    wire.SET_QUOTA: _done,
}
