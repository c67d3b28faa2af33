"""The guests' process for bench/host.py: `host_guests.py DIRECTORY GUESTS`, commands on standard input.

One thread and epoll: each guest listens at its port's socket as an emulator does, and is an agent behind it:
it asks, counts the answers, and never has more requests under way than the store admits.
"""

from __future__ import annotations

import json
import os
import resource
import select
import socket
import sys
import time
from collections import deque
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [ROOT, os.path.join(ROOT, "src")]

from guestwright.agent.core import facts
from guestwright.agent.core.layout import desired
from guestwright.xenstore.core import wire
from guestwright.xenstore.core.wire import frame

_UNDER_WAY = 16
_WATCHED = (b"control/shutdown", b"control/sysprep", b"memory/target", b"domid", b"data/guestwright")
_NAME = b"data/host_name"
_MEMORY = b"data/meminfo_free"


def keys_of(number: int) -> dict[str, bytes]:
    """What the agent of a usual guest publishes."""
    nics = tuple(
        facts.Nic(
            id=f"vif-{card}",
            kind="vif",
            name=f"eth{card}",
            mac=f"52:54:{card:02x}:00:{number >> 8:02x}:{number & 255:02x}",
            up=True,
            vif=card,
            mtu=1500,
            addresses=(
                facts.Address(family=4, address=f"192.168.{card}.{number % 250 + 1}", prefix=24),
                facts.Address(family=6, address=f"fe80::{card}:{number:x}", prefix=64, scope="link"),
            ),
        )
        for card in range(2)
    )
    return desired(
        facts.Facts(
            system=facts.System(
                name="Debian GNU/Linux 12 (bookworm)", distro="debian", major="12", uname="6.1"
            ),
            host=facts.Host(name=f"web{number}", domain="example.org", timezone="Europe/London"),
            memory=facts.Memory(total=2_000_000, free=1_000_000),
            filesystems=(
                facts.Filesystem(device="/dev/vda1", kind="ext4", size=1 << 34, free=1 << 33, mounts=("/",)),
                facts.Filesystem(
                    device="/dev/vda15", kind="vfat", size=1 << 27, free=1 << 26, mounts=("/boot/efi",)
                ),
            ),
            disks=(facts.Disk(name="vda", size=1 << 34),),
            users=(facts.User(name="admin", line="pts/0", since=1_700_000_000),),
            identity=facts.Identity(machine_id=f"{number:032x}", ssh=(f"ED25519 SHA256:{number:043}",)),
            nics=nics,
            boot="up",
        ),
        {"sysprep": "1", "poweroff": "1", "reboot": "1"},
        {},
    )


def write(path: bytes, value: bytes) -> bytes:
    """A request."""
    return frame(wire.WRITE, 1, 0, path + b"\0" + value)


class Guest:
    """One guest."""

    def __init__(self, number: int, directory: str) -> None:
        self.number = number
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.listening.bind(f"{directory}/port-{number}.sock")
        self.listening.listen(4)
        self.sock: socket.socket | None = None
        self.todo: deque[bytes] = deque()
        self.under_way = 0
        self.answered = 0
        self.rest = b""
        self.attack = ""
        self.step = 0


class Guests:
    """All of them."""

    def __init__(self, directory: str, count: int) -> None:
        self._poll = select.epoll()
        self._by_fd: dict[int, Guest] = {}
        self.all = [Guest(number, directory) for number in range(1, count + 1)]
        for one in self.all:
            self._poll.register(one.listening, select.EPOLLIN)
            self._by_fd[one.listening.fileno()] = one
        self._next = 0

    def turn(self, seconds: float) -> None:
        """Take in what has come, and send what may be."""
        for fd, _ in self._poll.poll(seconds, 256):
            one = self._by_fd[fd]
            if fd == one.listening.fileno():
                self._accept(one)
            else:
                self._receive(one)

    def _accept(self, one: Guest) -> None:
        self._hang_up(one)
        one.sock = one.listening.accept()[0]
        one.sock.setblocking(False)
        self._poll.register(one.sock, select.EPOLLIN)
        self._by_fd[one.sock.fileno()] = one
        self.send(one)

    def _hang_up(self, one: Guest) -> None:
        if one.sock is not None:
            self._poll.unregister(one.sock)
            del self._by_fd[one.sock.fileno()]
            one.sock.close()
            one.sock, one.under_way, one.rest = None, 0, b""

    def _receive(self, one: Guest) -> None:
        assert one.sock is not None
        try:
            data = one.sock.recv(65536)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self._hang_up(one)
            return
        one.rest += data
        while len(one.rest) >= wire.HEADER_SIZE:
            kind, _, _, length = wire.HEADER.unpack_from(one.rest)
            if len(one.rest) < wire.HEADER_SIZE + length:
                break
            one.rest = one.rest[wire.HEADER_SIZE + length :]
            if kind != wire.WATCH_EVENT:
                one.under_way -= 1
                one.answered += 1
        self.send(one)

    def send(self, one: Guest) -> None:
        """What may be sent now."""
        if one.attack:
            self._attack(one)
        while one.sock is not None and one.todo and one.under_way < _UNDER_WAY:
            message = one.todo.popleft()
            one.under_way += 1
            try:
                one.sock.sendall(message)
            except BlockingIOError:
                return
            except OSError:
                self._hang_up(one)

    def _attack(self, one: Guest) -> None:
        """Keep at it."""
        while len(one.todo) < _UNDER_WAY:
            one.step += 1
            match one.attack:
                case "write":
                    one.todo.append(write(b"data/os_name", b"%d" % one.step))
                case "grow":
                    one.todo.append(
                        write(
                            b"attr/vif/%d/ipv4/0" % (one.step % 300),
                            b"10.0.%d.%d" % divmod(one.step % 65000, 256),
                        )
                    )
                case "nonsense":
                    path = (b"data/\x01", b"data/" + b"x/" * 500 + b"x", b"data/volumes/0/name")[one.step % 3]
                    one.todo.append(write(path, b"\xff\0\n" * (one.step % 600)))
                case _:
                    one.todo.append(b"\xff" * 64)

    def settle(self, seconds: float) -> bool:
        """Wait until everything was answered."""
        until = time.monotonic() + seconds
        while any(one.todo or one.under_way for one in self.all if not one.attack):
            if time.monotonic() > until:
                return False
            self.turn(0.05)
        return True

    def publish(self) -> None:
        """As agents do after their start."""
        for one in self.all:
            one.todo.extend(frame(wire.WATCH, 1, 0, path + b"\0t\0") for path in _WATCHED)
            one.todo.extend(write(path.encode(), value) for path, value in keys_of(one.number).items())
            self.send(one)
        if not self.settle(240):
            raise SystemExit("the store does not answer")

    def paced(self, seconds: float, rate: float, work: Any) -> int:
        """Do something so many times a second."""
        began, done = time.monotonic(), 0
        while (now := time.monotonic()) - began < seconds:
            due = int((now - began) * rate) - done
            for _ in range(min(due, 100)):
                good = [one for one in self.all if not one.attack] if self.all[0].attack else self.all
                work(good[self._next % len(good)])
                self._next += 1
                done += 1
            self.turn(0 if due > 100 else 0.001)
        return done

    def change(self, seconds: float, pause: float) -> dict[str, float]:
        """Addresses, each only once; when it left."""
        sent: dict[str, float] = {}

        def work(one: Guest) -> None:
            number = self._next
            text = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            one.todo.append(write(b"attr/vif/0/ipv4/0", text.encode()))
            one.todo.append(write(b"data/net/vif-0/ipv4/0", text.encode()))
            sent[text] = time.monotonic()
            self.send(one)

        self.paced(seconds, 1 / pause, work)
        self.settle(30)
        return sent

    def memory(self, seconds: float, rate: float) -> None:
        """Free memory."""

        def work(one: Guest) -> None:
            one.todo.append(write(_MEMORY, b"%d" % (500_000 + self._next % 100_000)))
            self.send(one)

        self.paced(seconds, rate, work)

    def flood(self, seconds: float, rate: float) -> dict[str, Any]:
        """Host names; each guest's last one."""
        last: dict[str, str] = {}

        def work(one: Guest) -> None:
            last[str(one.number)] = f"w{self._next}"
            one.todo.append(write(_NAME, b"w%d" % self._next))
            self.send(one)

        began = time.monotonic()
        sent = self.paced(seconds, rate, work)
        ended = time.monotonic()
        if not self.settle(60):
            raise SystemExit("the store does not answer")
        return {"sent": sent, "seconds": ended - began, "drained": time.monotonic() - ended, "last": last}

    def attack(self, kind: str, guests: int) -> None:
        """The first of them become hostile."""
        for one in self.all[:guests]:
            one.attack, one.answered = kind, 0
            self.send(one)
        self._began = time.monotonic()

    def peace(self) -> float:
        """They are good again; how much they did a second."""
        took, done = time.monotonic() - self._began, 0
        for one in self.all:
            if one.attack:
                done += one.answered
                one.attack = ""
                one.todo.clear()
                one.todo.extend(write(path.encode(), value) for path, value in keys_of(one.number).items())
        self.settle(60)
        return round(done / took)


def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    guests = Guests(sys.argv[1], int(sys.argv[2]))
    orders = select.poll()
    orders.register(0, select.POLLIN)
    while True:
        guests.turn(0.01)
        if not orders.poll(0):
            continue
        line = sys.stdin.readline()
        if not line:
            return
        order = json.loads(line)
        what = order.pop("do")
        answer = None if what == "listen" else getattr(guests, what)(**order)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
