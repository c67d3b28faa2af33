"""The clipboard's helper in a user's session: `guestwright-agent clipboard [SOCKET]`.

Theory of operation: it runs as the user, and lets the tools of the session do the work: `wl-copy` and
`wl-paste` under Wayland, `xclip` under X11. Neither tells everybody of changes, so it looks once a second;
that is not in the agent, and only while the owner wants it.
"""

from __future__ import annotations

import _socket
import os
import sys
import time
from select import select

from guestwright.agent.actions.clipboard import LENGTH, TEXT_MAX
from guestwright.agent.children import spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_PERIOD: Final = 1.0  # seconds
SOCKET: Final = "/run/guestwright/clipboard"
_WAYLAND: Final = (["wl-paste", "-n"], ["wl-copy"])
_X11: Final = (["xclip", "-selection", "clipboard", "-out"], ["xclip", "-selection", "clipboard", "-in"])


def main(path: str = SOCKET) -> int:
    """Run until the agent hangs up; the exit status."""
    paste, copy = _WAYLAND if os.environ.get("WAYLAND_DISPLAY") else _X11
    made = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC, 0)
    try:
        made.connect(path)
    except OSError as error:
        os.write(2, f"{path}: {error.strerror}\n".encode())
        return 1
    fd = made.detach()
    last = _output(paste)
    while True:
        if select([fd], [], [], _PERIOD)[0]:
            text = _message(fd)
            if text is None:
                return 0
            _feed(copy, text)
            last = text
            continue
        now = _output(paste)
        if now != last and now is not None:
            last = now
            data = len(now).to_bytes(LENGTH, "big") + now
            while data:
                data = data[os.write(fd, data) :]


def _message(fd: int) -> bytes | None:
    """The next text of the agent; None at the end."""
    size = _exactly(fd, LENGTH)
    return None if size is None else _exactly(fd, min(TEXT_MAX, int.from_bytes(size, "big")))


def _exactly(fd: int, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        piece = os.read(fd, size - len(data))
        if not piece:
            return None
        data += piece
    return data


def _output(argv: list[str]) -> bytes | None:
    """What a program prints; None when it fails, as it does when there is nothing."""
    out, sink = os.pipe2(os.O_CLOEXEC)
    nothing = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    try:
        pid = spawn(argv, (nothing, sink, nothing), environment=os.environ)
    except OSError:
        pid = 0
    finally:
        os.close(sink)
        os.close(nothing)
    data = b""
    while piece := os.read(out, 1 << 16):
        data = (data + piece)[:TEXT_MAX]
    os.close(out)
    return data if pid and os.waitpid(pid, 0)[1] == 0 else None


def _feed(argv: list[str], text: bytes) -> None:
    """Give a program a text to keep."""
    source, put = os.pipe2(os.O_CLOEXEC)
    nothing = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    try:
        pid = spawn(argv, (source, nothing, nothing), environment=os.environ)
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
        pid = 0
    os.close(source)
    os.close(nothing)
    try:
        while text and pid:
            text = text[os.write(put, text) :]
    except OSError:
        time.sleep(0)  # it did not want to hear all
    os.close(put)
    if pid:
        os.waitpid(pid, 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
