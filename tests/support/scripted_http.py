"""An HTTP server that says what a test wrote down, byte for byte, and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent for one request; `close` ends the connection after it, `hold` keeps it silent and open."""

    data: bytes
    close: bool = True
    hold: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Script:
    """A running server.

    Attributes:
        url: of it.
        asked: requests so far, in order.
    """

    url: str
    replies: list[Reply]
    asked: list[Asked] = field(default_factory=list)


def reply(body: Any, status: int = 200, *, close: bool = True, **headers: str) -> Reply:
    """JSON, or bytes as they are; headers by name with '_' for '-'."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(data)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if "Content_Type" not in headers:
        lines.append("Content-Type: application/json")
    if close:
        lines.append("Connection: close")
    return Reply("\r\n".join(lines).encode() + b"\r\n\r\n" + data, close)


def problem(status: int, code: str, **more: Any) -> Reply:
    """The engine's own error."""
    body = {"type": "about:blank", "title": code, "status": status, "detail": f"it is {code}", "code": code}
    return reply(
        {**body, "hint": "", "parameters": {}, **more}, status, Content_Type="application/problem+json"
    )


@contextmanager
def scripted(replies: Sequence[Reply]) -> Iterator[Script]:
    """Run a server that gives these replies, one for each request; then it closes connections unanswered."""
    listener = socket.create_server(("127.0.0.1", 0))
    script = Script(f"http://127.0.0.1:{listener.getsockname()[1]}", list(replies))
    lines: list[socket.socket] = []
    thread = threading.Thread(target=_accept, args=(listener, script, lines))
    thread.start()
    try:
        yield script
    finally:
        with socket.create_connection(listener.getsockname()) as last:
            last.sendall(b"end\n")
        thread.join(60)
        for line in lines:
            line.close()
        listener.close()


def _accept(listener: socket.socket, script: Script, lines: list[socket.socket]) -> None:
    while True:
        line, _ = listener.accept()
        lines.append(line)
        line.settimeout(60)
        if not _serve(line, script):
            return


def _serve(line: socket.socket, script: Script) -> bool:
    """Answer the requests of one connection; False when the server is to end."""
    with line.makefile("rb") as file:
        while first := file.readline():
            if first == b"end\n":
                return False
            asked = Asked(first.decode().strip(), *_rest(file))
            script.asked.append(asked)
            if not script.replies:
                break
            one = script.replies.pop(0)
            try:
                line.sendall(one.data)
            except OSError:
                break
            if one.hold:
                return True
            if one.close:
                break
    line.close()
    return True


def _rest(file: Any) -> tuple[dict[str, str], bytes]:
    headers = {}
    while text := file.readline().decode("latin-1").strip():
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    return headers, file.read(int(headers.get("content-length", 0)))
