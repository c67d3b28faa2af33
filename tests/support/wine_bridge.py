"""Runs on Wine: a named pipe with overlapped input and output that leads to a TCP port; says "ready".

Python 3.8 for Windows, without site packages.
"""

import _socket
import sys
import threading

_winapi = __import__("_winapi")  # of Windows: it has no types here

_DUPLEX = 3 | 0x40000000  # PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED
_SIZE = 65536


def _up(pipe: int, link: "_socket.socket") -> None:
    """From the pipe to the port."""
    try:
        while True:
            one, _ = _winapi.ReadFile(pipe, _SIZE, overlapped=True)
            count, _ = one.GetOverlappedResult(True)
            data = bytes(one.getbuffer())[:count]
            while data:
                data = data[link.send(data) :]
    except OSError:
        link.close()


def main() -> None:
    """One client of the pipe after the other."""
    while True:
        pipe = _winapi.CreateNamedPipe(sys.argv[1], _DUPLEX, 0, 1, _SIZE, _SIZE, 0, 0)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        _winapi.ConnectNamedPipe(pipe, overlapped=True).GetOverlappedResult(True)
        link = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        link.connect(("127.0.0.1", int(sys.argv[2])))
        up = threading.Thread(target=_up, args=(pipe, link), daemon=True)
        up.start()
        try:
            while True:
                data = link.recv(_SIZE)
                if not data:
                    break
                one, _ = _winapi.WriteFile(pipe, data, overlapped=True)
                one.GetOverlappedResult(True)
        except OSError:
            pass
        link.close()
        _winapi.CloseHandle(pipe)
        up.join()


main()
