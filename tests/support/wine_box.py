"""Runs in namespaces of its own: a network with one interface, and a TCP port that leads to a unix socket.

Prints the number of the port; breaks all connections at SIGUSR1; ends when it is killed.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading

INTERFACE = "guest0"


def relay(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes, until either end closes; then close both."""
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for one in (source, sink):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue


def main() -> None:
    """Make the network, then listen."""
    for words in (
        ["link", "set", "lo", "up"],
        ["link", "add", INTERFACE, "type", "veth", "peer", "name", "host0"],
        ["link", "set", "host0", "up"],
        ["link", "set", INTERFACE, "up"],
        ["addr", "add", "192.0.2.7/24", "dev", INTERFACE],
    ):
        subprocess.run(["ip", *words], check=True)
    open_ones: list[socket.socket] = []

    def cut(number: int, frame: object) -> None:
        del number, frame
        while open_ones:
            one = open_ones.pop()
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    signal.signal(signal.SIGUSR1, cut)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        guest, _ = listener.accept()
        store = socket.socket(socket.AF_UNIX)
        try:
            store.connect(sys.argv[1])
        except OSError:
            guest.close()
            continue
        open_ones.append(guest)
        for pair in ((guest, store), (store, guest)):
            threading.Thread(target=relay, args=pair, daemon=True).start()


if __name__ == "__main__":
    main()
