"""Runs the lab's commands inside a machine.

    python3 -m lab.xen.inside.agent dom0|guest [DEVICE]

Theory of operation: reads requests from a line (in dom0 a virtio port, in a guest its console) and answers
each when its shell has ended. Output goes through files, so that a command may leave something running
behind. Requests run side by side; a request that is over its time is killed with its process group.
"""

from __future__ import annotations

import glob
import os
import signal
import subprocess
import sys
import tempfile
import threading
import tty
from typing import Any, BinaryIO

from lab.xen.inside.wire import decode, encode

PORT = "lab"
_LARGEST = 64 << 20
_LATE = 124  # as timeout(1)


def port() -> str:
    """Path of the virtio port with the lab's name.

    Raises:
        SystemExit: there is none.
    """
    for name in glob.glob("/sys/class/virtio-ports/*/name"):
        with open(name, encoding="ascii") as stream:
            if stream.read().strip() == PORT:
                return "/dev/" + name.split("/")[-2]
    raise SystemExit(f"no virtio port is called {PORT}")


def perform(request: dict[str, Any]) -> dict[str, Any]:
    """Run a request's script; what came of it."""
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as error,
    ):
        given.write(request.get("input", b""))
        given.seek(0)
        process = subprocess.Popen(
            ["/bin/sh", "-c", request["script"]],
            stdin=given,
            stdout=output,
            stderr=error,
            start_new_session=True,
        )
        try:
            status = process.wait(request["seconds"])
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            status = _LATE
        return {"id": request["id"], "status": status, "output": _content(output), "error": _content(error)}


def serve(line: BinaryIO, role: str) -> None:
    """Say hello and answer requests until the line ends."""
    lock = threading.Lock()

    def say(message: dict[str, Any]) -> None:
        with lock:
            data = memoryview(encode(message))
            while data:
                data = data[line.write(data) :]

    def answer(request: dict[str, Any]) -> None:
        say(perform(request))

    with open("/proc/uptime", encoding="ascii") as stream:
        say({"hello": role, "uptime": float(stream.read().split()[0])})
    for text in _lines(line):
        message = decode(text)
        if message is not None and "script" in message:
            threading.Thread(target=answer, args=(message,), daemon=True).start()


def main() -> None:
    """Command line; see the module's docstring."""
    role = sys.argv[1]
    with open(sys.argv[2] if len(sys.argv) > 2 else port(), "r+b", buffering=0) as line:
        if line.isatty():
            tty.setraw(line.fileno())
        serve(line, role)


def _lines(line: BinaryIO) -> Any:
    rest: list[bytes] = []
    while True:
        chunk = line.read(65536)
        if not chunk:
            return
        first, *others = chunk.split(b"\n")
        rest.append(first)
        for one in others:
            yield b"".join(rest)
            rest = [one]


def _content(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read(_LARGEST)


if __name__ == "__main__":
    main()
