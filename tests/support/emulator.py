"""What an emulator does with a port: listens for the host, and joins it with the guest's program."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress


@contextmanager
def port(outside: str, inside: str) -> Iterator[None]:
    """Join who connects outside (the host) with who connects inside (the guest), for the time of a block.

    When either hangs up, so does the other, as a port's reader is told that the host has gone.
    """
    with ExitStack() as stack:
        listening = []
        for path in (outside, inside):
            one = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            one.bind(path)
            one.listen(4)
            listening.append(one)
        thread = threading.Thread(target=_join_all, args=tuple(listening), daemon=True)
        thread.start()
        yield
        for one in listening:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        thread.join(60)


def _join_all(outside: socket.socket, inside: socket.socket) -> None:
    with suppress(OSError):
        while True:
            with outside.accept()[0] as host, inside.accept()[0] as guest:
                back = threading.Thread(target=_copy, args=(guest, host), daemon=True)
                back.start()
                _copy(host, guest)
                back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
