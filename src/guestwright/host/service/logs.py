"""Logs of the service: one JSON object a line, with ids, and without secrets.

Theory of operation: stdlib logging with a formatter of our own; records carry their ids as `extra`
(`log.info("…", extra={"domain": uuid})`), and only names of `IDS` are taken from there, so that nothing gets
into a log by accident. Texts are one line; what guests wrote comes in through `printable`. A `Secret` is
shown masked by its own `str`. Errors of ours are logged by code and message, others with their traceback.

Format: "time" (RFC 3339, UTC), "level", "event" (the message), "part" (the logger), ids, "error", "problem",
"traceback".
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any, Final, TextIO

from guestwright.base.errors import GuestwrightError
from guestwright.base.printable import printable

IDS: Final = ("domain", "domid", "job", "request", "volume", "client", "operation")
LINE_MAX: Final = 8192  # characters of a text
ROOT: Final = "guestwright"


class JsonFormatter(logging.Formatter):
    """See the module."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        return json.dumps(entry(record), ensure_ascii=True, separators=(",", ":"))


class TextFormatter(logging.Formatter):
    """For people at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, then the traceback if there is one."""
        found = entry(record)
        ids = "".join(f" {name}={found[name]}" for name in (*IDS, "error") if name in found)
        line = f"{found['time']} {found['level']}: {found['event']}{ids}"
        return f"{line}\n{found['traceback']}" if "traceback" in found else line


def entry(record: logging.LogRecord) -> dict[str, Any]:
    """What is logged of a record."""
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    found: dict[str, Any] = {
        "time": f"{seconds}.{int(record.msecs):03}Z",
        "level": record.levelname.lower(),
        "event": printable(record.getMessage()[:LINE_MAX]),
        "part": record.name.removeprefix(ROOT + "."),
    }
    for name in IDS:
        value = getattr(record, name, None)
        if value is not None:
            found[name] = value if isinstance(value, int) else printable(str(value)[:LINE_MAX])
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, GuestwrightError):
        found["error"] = error.code
        found["problem"] = error.message[:LINE_MAX]
    elif error is not None:
        found["error"] = type(error).__name__
        found["traceback"] = logging.Formatter().formatException(record.exc_info)[-LINE_MAX:]  # type: ignore[arg-type]  # it is there
    return found


def set_up(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send the logs of this program to a stream.

    Args:
        level: "debug", "info", "warning" or "error".
        form: "json" or "text".
        stream: standard error without it, which systemd passes to its journal.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.getLogger("uvicorn").setLevel(max(root.level, logging.WARNING))  # says when it starts and ends
