"""Adds and removes addresses in a guest when it is told to, without a fork; a part of `bench/agent.py`.

    python3 addresses.py NIC port /dev/virtio-ports/NAME
    python3 addresses.py NIC store

Commands, one a line: `add A.B.C.D`, `del A.B.C.D`, `ping`; each is answered with `ok` after it was done. They
come over a virtio port, or, on Xen, in the key data/bench/ask, and are answered in data/bench/done.
"""

from __future__ import annotations

import os
import socket
import struct
import sys

_ADD, _DEL = 20, 21  # RTM_NEWADDR, RTM_DELADDR
_FLAGS = 0x1 | 0x4 | 0x400  # NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE


class Addresses:
    """Changes the addresses of one NIC through rtnetlink(7)."""

    def __init__(self, nic: str) -> None:
        self._index = socket.if_nametoindex(nic)
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self._socket.bind((0, 0))

    def perform(self, command: str) -> str:
        """Do what a command says; the answer."""
        verb, _, address = command.partition(" ")
        if verb in {"add", "del"}:
            raw = socket.inet_aton(address)
            body = struct.pack("=BBBBi", socket.AF_INET, 24, 0, 0, self._index)
            body += struct.pack("=HH", 8, 2) + raw + struct.pack("=HH", 8, 1) + raw  # IFA_LOCAL, IFA_ADDRESS
            head = struct.pack("=IHHII", 16 + len(body), _ADD if verb == "add" else _DEL, _FLAGS, 1, 0)
            self._socket.send(head + body)
            failed = struct.unpack_from("=i", self._socket.recv(65536), 16)[0]
            if failed:
                return f"error {-failed}"
        return "ok"


def over_port(addresses: Addresses, path: str) -> None:
    """Serve a virtio port."""
    with open(path, "r+b", buffering=0) as port:
        rest = b""
        while True:
            rest += port.read(4096) or b""
            while b"\n" in rest:
                line, _, rest = rest.partition(b"\n")
                os.write(port.fileno(), addresses.perform(line.decode()).encode() + b"\n")


def over_store(addresses: Addresses) -> None:
    """Serve the store."""
    from guestwright.xenstore.client.client import Client  # noqa: PLC0415 - only on Xen

    with Client("/dev/xen/xenbus") as store, store.watch("data/bench/ask") as events:
        store.write("data/bench/done", "0 ready")
        for _ in events:
            number, _, command = (store.get("data/bench/ask") or b"").decode().partition(" ")
            if command:
                store.write("data/bench/done", f"{number} {addresses.perform(command)}")


def main() -> None:
    """Command line; see the module's docstring."""
    addresses = Addresses(sys.argv[1])
    if sys.argv[2] == "port":
        over_port(addresses, sys.argv[3])
    else:
        over_store(addresses)


if __name__ == "__main__":
    main()
