"""The child's side: answers calls on a tree until the parent goes away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

from guestwright.base.errors import GuestwrightError
from guestwright.guestfs.errors import DriverFailed, TooLarge
from guestwright.guestfs.port import Entry, GuestFS
from guestwright.guestfs.remote.calls import CALLS, Call
from guestwright.guestfs.remote.failures import from_error
from guestwright.guestfs.remote.forms import Page
from guestwright.guestfs.remote.wire import Channel, Frame, Malformed, Type, pack, unpack

MAX_ENTRIES: Final = 500_000
MAX_WALKS: Final = 64
_FIRST_PAGE: Final = 64  # entries; many a walk is given up early
_PAGE_ENTRIES: Final = 1000
_PAGE_CHARACTERS: Final = 1 << 18  # a character is at most 12 in JSON, so that a page stays under MAX_HEAD


class Service:
    """What can be called: the methods of a `GuestFS`, and walks page by page.

    Args:
        guest: the files.
    """

    def __init__(self, guest: GuestFS) -> None:
        self._guest = guest
        self._walks: dict[int, Iterator[Entry]] = {}
        self._count = 0

    def method(self, call: Call[Any]) -> Any:
        """The function behind a call."""
        own = {"walk_start": self.walk_start, "walk_more": self.walk_more, "walk_drop": self.walk_drop}
        return own.get(call.name) or getattr(self._guest, call.name)

    def walk_start(self, top: str) -> Page:
        """Begin a walk."""
        if len(self._walks) >= MAX_WALKS:
            raise TooLarge(path=top, size="the number of unfinished walks", limit=MAX_WALKS)
        self._count += 1
        self._walks[self._count] = self._guest.walk(top)
        return self._page(self._count, _FIRST_PAGE)

    def walk_more(self, walk: int) -> Page:
        """Go on with a walk."""
        return self._page(walk, _PAGE_ENTRIES)

    def walk_drop(self, walks: Sequence[int]) -> None:
        """Forget walks."""
        for walk in walks:
            self._walks.pop(walk, None)

    def _page(self, walk: int, size: int) -> Page:
        steps = self._walks.get(walk)
        if steps is None:
            return Page(walk, (), done=True)
        entries = []
        characters = 0
        try:
            for entry in steps:
                entries.append(entry)
                characters += len(entry.path)
                if len(entries) >= size or characters >= _PAGE_CHARACTERS:
                    return Page(walk, entries, done=False)
        except BaseException:
            del self._walks[walk]
            raise
        del self._walks[walk]
        return Page(walk, entries, done=True)


def serve(channel: Channel, guest: GuestFS) -> None:
    """Answer calls until the channel ends.

    Raises:
        EOFError: it ended.
        Malformed: the parent sent nonsense.
    """
    service = Service(guest)
    while True:
        frame = channel.receive()
        if frame.type is not Type.REQUEST:
            raise Malformed("no request")
        guarded(channel, partial(_answer, channel, service, frame))


def guarded(channel: Channel, answer: Callable[[], object]) -> None:
    """Answer, with an error if it comes to that; only the end of the channel gets out."""
    try:
        answer()
    except GuestwrightError as error:
        send_error(channel, error)
    except (EOFError, Malformed):
        raise
    except MemoryError:
        send_error(channel, DriverFailed(driver="ext", detail="out of memory; its limit was reached"))
    except Exception as error:  # noqa: BLE001 - the boundary of the process: the parent must hear of it
        detail = f"{type(error).__name__}: {error}"
        send_error(channel, DriverFailed(driver="ext", detail=detail))


def send_error(channel: Channel, error: GuestwrightError) -> None:
    """End an answer with an error."""
    channel.send(Type.ERROR, pack(from_error(error)))


def _answer(channel: Channel, service: Service, frame: Frame) -> None:
    name, arguments = unpack(frame.head)
    call = CALLS[name]
    if call.tail:
        arguments[call.tail] = frame.tail
    result = service.method(call)(**arguments)
    if call.raw:
        channel.send(Type.REPLY, b"null", result)
        return
    if call.chunked:
        result = _send_chunks(channel, call, result)
    channel.send(Type.REPLY, pack(call.encode(result)))


def _send_chunks(channel: Channel, call: Call[Any], entries: Sequence[Entry]) -> Sequence[Entry]:
    """Send all but what fits in the last frame; returns that."""
    if len(entries) > MAX_ENTRIES:
        raise TooLarge(path=entries[0].path, size=f"a list of {len(entries)} entries", limit=MAX_ENTRIES)
    start = characters = 0
    for index, entry in enumerate(entries):
        characters += len(entry.path)
        if index - start >= _PAGE_ENTRIES or characters >= _PAGE_CHARACTERS:
            channel.send(Type.CHUNK, pack(call.encode(entries[start : index + 1])))
            start, characters = index + 1, 0
    return entries[start:]
