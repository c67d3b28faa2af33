"""A DHCP client for one lease (RFC 2131): device and host name are its arguments; prints the address."""

from __future__ import annotations

import os
import socket
import struct
import sys
from typing import Final

_COOKIE: Final = b"\x63\x82\x53\x63"
_DISCOVER, _REQUEST = 1, 3
_NAME, _ADDRESS, _KIND, _SERVER, _END = 12, 50, 53, 54, 255
_BROADCAST: Final = 0x8000
_SECONDS: Final = 2.0  # before it asks again
_TRIES: Final = 30


def _message(kind: int, xid: int, mac: bytes, options: list[tuple[int, bytes]]) -> bytes:
    head = struct.pack("!BBBBIHH16x", 1, 1, 6, 0, xid, 0, _BROADCAST) + mac.ljust(16, b"\0") + bytes(192)
    every = [(_KIND, bytes([kind])), *options]
    return head + _COOKIE + b"".join(bytes([code, len(data)]) + data for code, data in every) + bytes([_END])


def _options(message: bytes) -> dict[int, bytes]:
    found, rest = {}, message[240:]
    while rest and rest[0] != _END:
        if rest[0] == 0:
            rest = rest[1:]
            continue
        found[rest[0]] = rest[2 : 2 + rest[1]]
        rest = rest[2 + rest[1] :]
    return found


def main(device: str, name: str) -> int:
    """Get a lease."""
    with open(f"/sys/class/net/{device}/address") as file:
        mac = bytes.fromhex(file.read().strip().replace(":", ""))
    xid = int.from_bytes(os.urandom(4), "big")
    named = [(_NAME, name.encode())]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        sock.bind(("", 68))
        sock.settimeout(_SECONDS)
        asked = _message(_DISCOVER, xid, mac, named)
        for _ in range(_TRIES):
            sock.sendto(asked, ("255.255.255.255", 67))
            try:
                answer = sock.recv(4096)
            except TimeoutError:
                continue
            if struct.unpack_from("!I", answer, 4)[0] != xid:
                continue
            address, options = answer[16:20], _options(answer)
            if options[_KIND] == b"\5":
                print(socket.inet_ntoa(address))
                return 0
            if options[_KIND] == b"\2":
                wanted = [(_ADDRESS, address), (_SERVER, options[_SERVER]), *named]
                asked = _message(_REQUEST, xid, mac, wanted)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
