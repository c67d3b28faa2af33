"""What runs in machines."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from guestwright.base.record import record
from guestwright.client.call import Call, Json, Page, nothing, page, thing

_FILE: Final = 720.0  # seconds; a host gives a guest 600


@record
class Ran:
    """How a program in a guest ended.

    Attributes:
        how: "exit" or "signal", or as the host calls it.
        status: exit status; None when it did not exit.
        signal: that ended it; None for none.
        out: standard output.
        err: standard error.
    """

    how: str
    status: int | None
    signal: int | None
    out: bytes
    err: bytes


def show(identity: str) -> Call[Json]:
    """What is known of the guest in a machine, with its age."""
    return Call("GET", ("vms", identity, "guest"), thing)


def capabilities(identity: str) -> Call[Json]:
    """What may be done with a machine now, and why not."""
    return Call("GET", ("vms", identity, "capabilities"), thing)


def history(identity: str, fact: str, *, limit: int = 0) -> Call[Page]:
    """Former values of a fact, newest first.

    Args:
        identity: of the machine.
        fact: name of one.
        limit: values of a page; 0 for the engine's own.
    """
    query = {"fact": fact, "limit": limit or None}
    return Call("GET", ("vms", identity, "history"), page, query=query)


def execute(
    identity: str,
    argv: Sequence[str],
    *,
    stdin: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    directory: str = "",
    user: str = "",
    timeout: float | None = None,
) -> Call[Ran]:
    """Run a program in a guest and wait for its end. It is never sent twice.

    Args:
        identity: of the machine.
        argv: the program, by an absolute path, and its arguments.
        stdin: its input.
        environment: more variables.
        directory: to run in.
        user: to run as.
        timeout: seconds until it is ended; None for the engine's own.
    """
    body: Json = {"argv": list(argv)}
    if stdin is not None:
        body["stdin"] = base64.b64encode(stdin).decode()
    more = {"environment": dict(environment or {}), "directory": directory, "user": user, "timeout": timeout}
    body |= {name: value for name, value in more.items() if value not in ("", None, {})}
    path = ("vms", identity, "exec")
    return Call("POST", path, _ran, body=body, seconds=60.0 + (timeout or 300.0))


def read_file(identity: str, path: str) -> Call[bytes]:
    """A file of a guest, by its absolute path; at most 16 MiB."""
    return Call("GET", ("vms", identity, "file"), _bytes, query={"path": path}, seconds=_FILE, raw=True)


def write_file(identity: str, path: str, data: bytes, *, mode: str = "600") -> Call[None]:
    """Write a file of a guest, all or nothing.

    Args:
        identity: of the machine.
        path: in the guest, absolute.
        data: what is to be in it, at most 16 MiB.
        mode: its permissions, octal.
    """
    query = {"path": path, "mode": mode}
    return Call("PUT", ("vms", identity, "file"), nothing, query=query, data=data, seconds=_FILE)


def clipboard_set(identity: str, text: str) -> Call[None]:
    """Put a text into a guest's clipboard."""
    return Call("PUT", ("vms", identity, "clipboard"), nothing, body={"text": text}, repeatable=False)


def clipboard_get(identity: str, wait: float = 10.0) -> Call[str]:
    """The next text that is copied in a guest within so many seconds, at most 50."""
    path = ("vms", identity, "clipboard")
    return Call("GET", path, _text, query={"wait": wait}, seconds=60.0 + wait, repeatable=False)


def hostname(identity: str, name: str) -> Call[str]:
    """Give a guest a name; what it has to say about that."""
    return Call("PUT", ("vms", identity, "hostname"), _text, body={"name": name})


def _text(found: Any) -> str:
    return str(found["text"])


def _bytes(found: Any) -> bytes:
    if not isinstance(found, bytes):
        raise TypeError("no bytes")
    return found


def _ran(found: Any) -> Ran:
    return Ran(
        how=str(found["how"]),
        status=_number(found.get("status")),
        signal=_number(found.get("signal")),
        out=base64.b64decode(found.get("out") or ""),
        err=base64.b64decode(found.get("err") or ""),
    )


def _number(value: Any) -> int | None:
    return None if value is None else int(value)
