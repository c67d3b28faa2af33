"""Machines of a small network: network namespaces on one bridge, gone with the process that made them.

    with network() as net:
        one = net.node("10.77.0.11")
        process = subprocess.Popen(one.argv(["guestwright", "up", …]))
        socket.create_connection(("10.77.0.11", 8420))   # this thread is on the bridge, too

Theory of operation: each namespace is held by a process that sleeps and that the kernel kills when the test
dies, so nothing is left of them however a test ends; they have no names. The thread that makes the network is
in the namespace of the bridge until the end of the block, with all threads and processes that it starts.
Addresses so never meet those of the machine.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

import pytest

ADDRESS: Final = "10.77.0.1"
"""Of the bridge."""
SUBNET: Final = "10.77.0.0/24"
_BRIDGE: Final = "bridge"
_PATIENCE: Final = 60.0
_CLONE_NEWNET: Final = 0x40000000  # linux/sched.h
_TOOLS: Final = ("ip", "unshare", "nsenter", "setpriv")


def _possible() -> bool:
    if os.geteuid() != 0 or not all(map(shutil.which, _TOOLS)):
        return False
    tried = subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True, timeout=_PATIENCE)
    return tried.returncode == 0


needs_namespaces = pytest.mark.skipif(
    "CI" not in os.environ and not _possible(), reason="needs root, ip and unshare"
)
"""Skips where namespaces cannot be made; never on CI."""


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the network.

    Attributes:
        address: of IPv4, reached from all others.
        path: of its namespace.
    """

    address: str
    path: str

    def argv(self, command: Sequence[str]) -> list[str]:
        """The command that runs another there, as this process; it dies with whoever starts it."""
        return ["setpriv", "--pdeathsig=KILL", "nsenter", f"--net={self.path}", *command]


class Network:
    """A bridge and the machines on it."""

    def __init__(self, parts: ExitStack) -> None:
        self._parts = parts
        self._made = 0
        self._hub = self._hold()
        _ip(self._hub, "link", "set", "lo", "up")
        _ip(self._hub, "link", "add", _BRIDGE, "type", "bridge")
        _ip(self._hub, "addr", "add", f"{ADDRESS}/24", "dev", _BRIDGE)
        _ip(self._hub, "link", "set", _BRIDGE, "up")
        self._enter()

    def node(self, address: str) -> Node:
        """A further machine.

        Args:
            address: in `SUBNET`.
        """
        self._made += 1
        path, port = self._hold(), f"port{self._made}"
        holder = path.split("/")[2]
        _ip(self._hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", holder)
        _ip(self._hub, "link", "set", port, "master", _BRIDGE, "up")
        _ip(path, "link", "set", "lo", "up")
        _ip(path, "addr", "add", f"{address}/24", "dev", "eth0")
        _ip(path, "link", "set", "eth0", "up")
        return Node(address, path)

    def _hold(self) -> str:
        """Make a namespace; its path."""
        argv = ["setpriv", "--pdeathsig=KILL", "unshare", "--net", "sh", "-c", "echo; exec sleep infinity"]
        holder = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self._parts.callback(_end, holder)
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"\n"
        return f"/proc/{holder.pid}/ns/net"

    def _enter(self) -> None:
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._parts.callback(os.close, before)
        self._parts.callback(_move, before)
        there = os.open(self._hub, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _move(there)
        finally:
            os.close(there)


@contextmanager
def network() -> Iterator[Network]:
    """A network while the block lasts, which this thread is part of."""
    with ExitStack() as parts:
        yield Network(parts)


def _end(holder: subprocess.Popen[bytes]) -> None:
    holder.kill()
    holder.communicate(timeout=_PATIENCE)


def _move(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _ip(namespace: str, *args: str) -> None:
    argv = ["nsenter", f"--net={namespace}", "ip", *args]
    subprocess.run(argv, check=True, capture_output=True, timeout=_PATIENCE)
