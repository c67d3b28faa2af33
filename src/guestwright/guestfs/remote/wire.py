r"""Frames on the socket between us and the worker.

A frame is `>IBI`: length of what follows the header, type, length of the head; then the head (JSON in ASCII,
or empty) and the tail (bytes). Names with undecodable bytes are lone surrogates, which JSON carries as
`\udcNN`. Both sides refuse a frame over the limits before they take it.

The parent's side has a deadline; the child's side waits for ever, as it is killed when the parent ends.
"""

from __future__ import annotations

import json
import math
import socket
import struct
import time
from enum import IntEnum
from typing import Any, Final, NamedTuple

MAX_HEAD: Final = 4 << 20
MAX_TAIL: Final = 64 << 20
_HEADER: Final = struct.Struct(">IBI")
_PIECE: Final = 1 << 18
_NO_SIGNAL: Final = int(socket.MSG_NOSIGNAL)  # a plain int: `|` of flags takes microseconds
_TICK: Final = struct.pack("ll", 0, 250_000)  # struct timeval: a quarter of a second


class Type(IntEnum):
    """What a frame is."""

    REQUEST = 1  # parent: {"call": …, arguments}, bytes of one argument in the tail
    REPLY = 2  # child: the last frame of an answer
    CHUNK = 3  # child: part of an answer
    ERROR = 4  # child: {"code": …, "params": …}, the last frame of an answer
    READ = 5  # child: `blocks.RANGE`; answered with DATA
    WRITE = 6  # child: `blocks.RANGE` and the bytes; not answered
    FLUSH = 7  # child: `blocks.RANGE`; not answered
    DATA = 8  # parent: the bytes of a READ
    STEP = 9  # child: a step of the work under way, [name, done, total, text]; not answered


_TYPES: Final = {each.value: each for each in Type}


class Malformed(ValueError):
    """The other side sent what no honest peer sends."""


class Late(Exception):
    """The deadline has passed."""


class Frame(NamedTuple):
    """One frame."""

    type: Type
    head: bytes
    tail: bytes


class Channel:
    """Sends and receives frames.

    Args:
        sock: one end of a socket pair of streams.
        patient: wait for ever; otherwise `deadline` is looked at, at least four times a second.

    Attributes:
        deadline: `time.monotonic()` after which `Late` is raised.
    """

    def __init__(self, sock: socket.socket, *, patient: bool) -> None:
        self._sock = sock
        self._space = bytearray(_PIECE)
        self._view = memoryview(self._space)
        self._start = self._end = 0  # what was received and not taken yet
        self.deadline = math.inf
        if not patient:  # one call into the kernel for each piece, where poll and recv would be two
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                sock.setsockopt(socket.SOL_SOCKET, option, _TICK)

    def send(self, kind: Type, head: bytes = b"", tail: bytes | memoryview = b"") -> None:
        """Send a frame; EOFError when the other side is gone."""
        data = memoryview(b"".join((_HEADER.pack(len(head) + len(tail), kind, len(head)), head, tail)))
        while data:
            try:
                data = data[self._sock.send(data, _NO_SIGNAL) :]
            except BlockingIOError:
                pass
            except (BrokenPipeError, ConnectionResetError):
                raise EOFError from None
            if data and time.monotonic() > self.deadline:
                raise Late

    def receive(self) -> Frame:
        """The next frame.

        Raises:
            EOFError: the other side is gone.
            Malformed: not a frame, or over the limits.
            Late: see `deadline`.
        """
        length, number, head_length = _HEADER.unpack(self._take(_HEADER.size))
        kind = _TYPES.get(number)
        if kind is None:
            raise Malformed(f"frame of type {number}")
        if head_length > min(length, MAX_HEAD) or length - head_length > MAX_TAIL:
            raise Malformed(f"a frame of {length} bytes with a head of {head_length}")
        head = self._take(head_length) if head_length else b""
        tail = self._take(length - head_length) if length > head_length else b""
        return Frame(kind, head, tail)

    def _take(self, length: int) -> bytes:
        if length > _PIECE:
            return self._take_large(length)
        if self._end - self._start < length:
            if self._start + length > _PIECE:
                waiting = self._space[self._start : self._end]
                self._space[: len(waiting)] = waiting
                self._start, self._end = 0, len(waiting)
            while self._end - self._start < length:
                self._end += self._fill(self._view[self._end :])
        taken = bytes(self._view[self._start : self._start + length])
        self._start += length
        if self._start == self._end:
            self._start = self._end = 0
        return taken

    def _take_large(self, length: int) -> bytes:
        """More than the buffer holds: received where it stays. Memory grows with what really came."""
        taken = bytearray(self._view[self._start : self._end])
        self._start = self._end = 0
        while len(taken) < length:
            got = self._fill(self._view[: min(_PIECE, length - len(taken))])
            taken += self._view[:got]
        return bytes(taken)

    def _fill(self, room: memoryview) -> int:
        while True:
            try:
                got = self._sock.recv_into(room)
            except BlockingIOError:
                got = -1
            except ConnectionResetError:
                raise EOFError from None
            if got == 0:
                raise EOFError
            if time.monotonic() > self.deadline:  # also when bytes trickle in
                raise Late
            if got > 0:
                return got


_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False)
_DECODER: Final = json.JSONDecoder()


def pack(value: Any) -> bytes:
    """A head."""
    return _ENCODER.encode(value).encode("ascii")


def unpack(head: bytes) -> Any:
    """The value of a head; `Malformed` when it is none."""
    try:
        return _DECODER.decode(head.decode("ascii"))
    except (ValueError, RecursionError):
        raise Malformed("a head that is not JSON") from None
