"""A line to a server whose first connections break after so many bytes, either way."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PATIENCE = 120.0


@dataclass
class Breaking:
    """The line.

    Attributes:
        port: of this machine, in place of the server's.
        broken: connections that were broken so far.
    """

    port: int
    broken: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def breaking(server: int, most: int, breaks: int) -> Iterator[Breaking]:
    """A line that breaks while the block lasts.

    Args:
        server: port of the server on this machine.
        most: bytes that the first connections carry each way.
        breaks: how many of them break.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        line = Breaking(listening.getsockname()[1])
        ended, lines, threads = threading.Event(), list[socket.socket](), list[threading.Thread]()

        def accept() -> None:
            while not ended.is_set():
                try:
                    near, _ = listening.accept()
                except TimeoutError:
                    continue
                with suppress(OSError):  # the server is away
                    far = socket.create_connection(("127.0.0.1", server), timeout=PATIENCE)
                    near.settimeout(PATIENCE)
                    lines.append(far)
                    for pair in ((near, far), (far, near)):
                        threads.append(
                            threading.Thread(target=_pump, args=(line, *pair, most, breaks), daemon=True)
                        )
                        threads[-1].start()
                    lines.append(near)
                    continue
                near.close()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield line
        finally:
            ended.set()
            accepting.join(PATIENCE)
            for one in lines:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(PATIENCE)
            for one in lines:
                one.close()


def _pump(line: Breaking, source: socket.socket, sink: socket.socket, most: int, breaks: int) -> None:
    moved = 0
    try:
        while data := source.recv(65536):
            moved += len(data)
            with line.lock:
                breaks_now = moved > most and line.broken < breaks
                line.broken += breaks_now
            if breaks_now:
                sink.sendall(data[: len(data) // 2])
                break
            sink.sendall(data)
        else:
            sink.shutdown(socket.SHUT_WR)
            return
    except OSError:
        pass
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
