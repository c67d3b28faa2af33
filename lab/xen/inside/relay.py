"""Passes one request from dom0 to a guest over its console, and the reply back.

    python3 -m lab.xen.inside.relay DOMID SECONDS <request >reply

Request and reply are lines of `wire`. One at a time per guest: a second one waits for a lock.
"""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import sys
import time

from lab.xen.inside.wire import decode

_LATE = 124  # as timeout(1)


def console(domid: int) -> str:
    """Path of the terminal that a guest's console is connected to.

    Raises:
        SystemExit: there is none.
    """
    path = f"/local/domain/{domid}/console/tty"
    done = subprocess.run(["xenstore-read", path], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit("the guest has no console: it has ended")
    return done.stdout.strip()


def exchange(descriptor: int, request: bytes, until: float) -> bytes:
    """Send a request and wait for the reply with its number; b"" when none came in time.

    Raises:
        SystemExit: the guest ended.
    """
    message = decode(request.strip(b"\n"))
    wanted = message["id"] if message else None
    rest = bytearray()
    while time.monotonic() < until:
        readable, writable, _ = select.select([descriptor], [descriptor] if request else [], [], 0.5)
        if writable:
            request = request[os.write(descriptor, request[:1024]) :]
        if readable:
            try:
                chunk = os.read(descriptor, 65536)
            except OSError:  # EIO: the other end of the terminal is gone
                raise SystemExit("the guest ended before it answered") from None
            rest += chunk
            if b"\n" not in chunk:
                continue
            *lines, rest = rest.split(b"\n")
            for line in lines:
                reply = decode(bytes(line))
                if reply is not None and reply.get("id") == wanted and "status" in reply:
                    return bytes(line) + b"\n"
    return b""


def main() -> int:
    """Command line; see the module's docstring."""
    domid, until = int(sys.argv[1]), time.monotonic() + float(sys.argv[2])
    request = sys.stdin.buffer.read()
    with open(f"/run/lab-guest-{domid}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        descriptor = os.open(console(domid), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        reply = exchange(descriptor, request, until)
    sys.stdout.buffer.write(reply)
    return 0 if reply else _LATE


if __name__ == "__main__":
    raise SystemExit(main())
