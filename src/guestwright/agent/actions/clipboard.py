"""Pass the clipboard of the guest's session to the host and back, in small pieces.

Theory of operation: the host writes a piece to `data/set_clipboard`, the guest takes the key away, and so
on; an empty piece ends the text. The other way it is the same with `data/report_clipboard`. The clipboard
itself belongs to a session, so a helper runs there (`guestwright-agent clipboard`) and talks to the agent
over a socket that is the owner of the session's alone: four bytes of length, then text.

Source: win-xenguestagent and xcp-ng's clipboard daemon.
"""

from __future__ import annotations

import _socket
import os

from guestwright.agent.actions.action import Action
from guestwright.agent.channel.errors import Lost
from guestwright.agent.children import user
from guestwright.agent.tasks import Task, sleep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from guestwright.agent.actions.action import Context

_TO_GUEST: Final = b"data/set_clipboard"
_TO_HOST: Final = b"data/report_clipboard"
PIECE: Final = 1000  # bytes
TEXT_MAX: Final = 1 << 18  # bytes; what is longer is cut off
LENGTH: Final = 4
_PATIENCE: Final = 100  # tenths of a second for the host to take a piece


class Clipboard(Action):
    """Both ways, while a helper is connected."""

    switch = "clipboard"
    features = ("clipboard",)
    paths = (_TO_GUEST,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._incoming = b""
        self._helper: Helper | None = None
        self._kept: bytes | None = None  # for the next helper
        self._waiting: bytes | None = None
        self._reporting = False
        self._server: _socket.socket | None = None
        self._problem = ""
        if self.allowed:
            self._listen()

    def unavailable(self) -> str:
        """Why no helper can come."""
        return self._problem if self.allowed else ""

    def close(self) -> None:
        """Send the helper away."""
        if self._helper is not None:
            self._helper.close()
        if self._server is not None:
            self.context.loop.remove(self._server.fileno())
            self._server.close()
            os.unlink(self._path)

    async def attend(self) -> None:
        """Take a piece from the host."""
        piece = await self.session.get(_TO_GUEST)
        if piece is None:
            return
        if self.refusal():
            await self.session.discard(_TO_GUEST)
            return
        if piece:
            self._incoming = (self._incoming + piece)[:TEXT_MAX]
        else:
            text, self._incoming = self._incoming, b""
            if self._helper is not None:
                self._helper.send(text)
            else:
                self._kept = text
        await self.session.discard(_TO_GUEST)

    def heard(self, text: bytes) -> None:
        """The session has something new in its clipboard."""
        self._waiting = text
        if not self._reporting:
            self._reporting = True
            Task(self._report(), self._reported)

    def left(self, helper: Helper) -> None:
        """A helper has gone."""
        if self._helper is helper:
            self._helper = None

    async def _report(self) -> None:
        while self._waiting is not None:
            text, self._waiting = self._waiting, None
            for piece in [*pieces(text), b""]:
                await self.session.write(_TO_HOST, piece)
                for _ in range(_PATIENCE):
                    if await self.session.get(_TO_HOST) is None:
                        break
                    await sleep(self.context.loop, 0.1)
                else:
                    await self.session.discard(_TO_HOST)  # no host listens
                    break

    def _reported(self, error: BaseException | None) -> None:
        self._reporting = False
        if error is not None and not isinstance(error, Lost):
            self.context.log.say(f"clipboard: {type(error).__name__}: {error}", 4)

    @property
    def _path(self) -> str:
        return self.context.path(self.context.config.text("clipboard", "socket"))

    def _listen(self) -> None:
        whose = user(self.context.config.text("clipboard", "user"))
        if whose is None:
            self._problem = "clipboard.user names no user"
            return
        path = self._path
        made = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC, 0)
        try:
            os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
            if os.path.lexists(path):
                os.unlink(path)
            made.setblocking(False)
            os.fchmod(made.fileno(), 0o600)
            made.bind(path)
            os.chown(path, whose.uid, whose.gid, follow_symlinks=False)
            made.listen(1)
        except OSError as error:
            made.close()
            self._problem = f"{path}: {error.strerror}"
            return
        self._server = made
        self.context.loop.add(made.fileno(), self._accept)

    def _accept(self, events: int) -> None:
        del events
        assert self._server is not None
        try:
            # `accept` is in `socket`, which costs a megabyte.
            fd, _ = self._server._accept()  # type: ignore[attr-defined]  # noqa: SLF001
        except OSError:
            return
        if self._helper is not None:
            self._helper.close()
        self._helper = Helper(self, fd)
        kept, self._kept = self._kept, None
        if kept is not None:
            self._helper.send(kept)


class Helper:
    """The connection to the helper in the session."""

    def __init__(self, owner: Clipboard, fd: int) -> None:
        self._owner = owner
        self._fd = fd
        self._data = b""
        os.set_blocking(fd, False)
        owner.context.loop.add(fd, self._ready)

    def send(self, text: bytes) -> None:
        """Give it a text; a helper that does not read gets none."""
        data = len(text).to_bytes(LENGTH, "big") + text
        try:
            sent = os.write(self._fd, data)
        except OSError:
            sent = 0
        if sent != len(data):
            self.close()

    def close(self) -> None:
        """Hang up."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            self._owner.context.loop.remove(fd)
            os.close(fd)
            self._owner.left(self)

    def _ready(self, events: int) -> None:
        del events
        try:
            data = os.read(self._fd, 1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._data += data
        if not data:
            self.close()
        while len(self._data) >= LENGTH:
            size = int.from_bytes(self._data[:LENGTH], "big")
            if size > TEXT_MAX:
                self.close()
                return
            if len(self._data) < LENGTH + size:
                return
            text, self._data = self._data[LENGTH : LENGTH + size], self._data[LENGTH + size :]
            self._owner.heard(text)


def pieces(text: bytes) -> list[bytes]:
    """A text in pieces that do not cut through a character of UTF-8; NULs left out, for the host's sake."""
    text = text.replace(b"\0", b"")
    found = []
    while text:
        end = min(PIECE, len(text))
        while end < len(text) and end > PIECE - LENGTH and text[end] & 0xC0 == 0x80:
            end -= 1
        found.append(text[:end])
        text = text[end:]
    return found
