"""Packets: recorded ones, generated ones, and what mutation makes of them.

`recorded.txt` is what Xen's test-xenstore and the xenstore-* tools sent to a server, each packet once: type,
whether it was in a transaction, payload in hexadecimal.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final

from guestwright.xenstore.core.wire import HEADER, HEADER_SIZE, PAYLOAD_MAX, frame
from tests.system.xenstore.differential.generate import sequence

_PIECES: Final = (
    b"/",
    b"\0",
    b"@releaseDomain",
    b"@introduceDomain/1",
    b"/local/domain/",
    b"/local/domain/1/a",
    b"/local/domain/9/k",
    b"/s/a",
    b"/s",
    b"n0\0",
    b"b1\0r2\0",
    b"n32757\0",
    b"quota\0set\0",
    b"-1\0",
    b"4294967296\0",
    b"\xff",
    b"//",
    b"x" * 250,
    b"/d" * 300,
)
_LENGTHS: Final = (0, 1, PAYLOAD_MAX - 1, PAYLOAD_MAX, PAYLOAD_MAX + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def corpus() -> list[tuple[int, int, bytes]]:
    """Type, transaction and payload of packets to start from."""
    found = []
    for line in Path(__file__).with_name("recorded.txt").read_text().splitlines():
        kind, transaction, payload = line.split(" ")
        found.append((int(kind), int(transaction), bytes.fromhex(payload)))
    for seed in range(300):
        found += [(step[1], step[3], step[2]) for step in sequence(f"corpus {seed}") if len(step) == 4]
    return found


class Mutator:
    """Makes packets.

    Args:
        seed: decides everything.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.corpus = corpus()
        self.kinds = [*range(27), *range(27), 27, 128, 65535, 0xFFFFFFFF]

    def packet(self) -> bytes:
        """The next packet; now and then not a whole one, or more than one."""
        chance, choose = self.random.random, self.random.choice
        kind, transaction, payload = choose(self.corpus)
        if chance() < 0.3:
            return frame(kind, 1, transaction, payload)
        if chance() < 0.15:
            kind = choose(self.kinds)
        if chance() < 0.3:
            transaction = choose((0, 1, 1, 2, 3, 5, 77, 0xFFFFFFFF))
        for _ in range(choose((0, 1, 1, 2))):
            payload = self._damage(payload)
        payload = payload[:PAYLOAD_MAX]
        packet = frame(kind, 2, transaction, payload)
        rare = chance()
        if rare < 0.01:
            packet = HEADER.pack(kind, 3, transaction, choose(_LENGTHS)) + payload
        elif rare < 0.02:
            packet = packet[: self.random.randrange(len(packet))]
        elif rare < 0.03:
            packet = self.random.randbytes(choose((1, 15, 16, 17, 40)))
        return packet

    def _damage(self, payload: bytes) -> bytes:
        chance, choose = self.random.random, self.random.choice
        at = int(chance() * (len(payload) + 1))
        way = int(chance() * 9)
        if way >= 7:  # something that was not there yet, to fill quotas
            path, nul, rest = payload.partition(b"\0")
            return b"%b/%x%b%b" % (path, int(chance() * 65536), nul, rest)
        if way == 0:
            return payload[:at]
        if way == 1:
            return payload[:at] + choose(_PIECES) + payload[at:]
        if way == 2:
            return payload[:at] + choose(_PIECES)
        if way == 3:
            return payload[:at] + bytes([int(chance() * 256)]) + payload[at + 1 :]
        if way == 4:
            return payload[:at] + choose(self.corpus)[2]
        if way == 5:
            words = payload.split(b"\0")
            self.random.shuffle(words)
            return b"\0".join(words)
        return payload[:at] + payload[at + 1 :]


def cut(packet: bytes, maker: random.Random) -> list[bytes]:
    """The packet as one piece, or seldom as two, cut anywhere."""
    if maker.random() < 0.97 or len(packet) < HEADER_SIZE:
        return [packet]
    at = maker.randrange(1, len(packet))
    return [packet[:at], packet[at:]]
