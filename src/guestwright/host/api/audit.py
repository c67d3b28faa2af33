"""Who did what: one line for every request that changes something, or was refused.

Theory of operation: the line goes to the logger `guestwright.audit` (the service's logs are JSON and go to
the journal of the host, where the service cannot change them afterwards), with all values as fields of the
record. It names the operation and its subject, never what was sent: bodies hold commands and passwords.
"""

from __future__ import annotations

import logging
from typing import Final

from guestwright.base.printable import printable
from guestwright.base.record import asdict, record

_LOG: Final = logging.getLogger("guestwright.audit")
_SUBJECT_MAX: Final = 200  # characters


@record
class Entry:
    """One line.

    Attributes:
        request: number of the request.
        caller: "uid:0", "cert:ann"; "?" when there is none.
        role: of the caller; "" without one.
        pid: of a caller on this host; 0 for others.
        serial: of the caller's certificate; "" without one.
        operation: name of the endpoint.
        subject: the values in the path: uuid of the domain, id of the job.
        status: of HTTP.
        code: of the error; "" when all was well.
        milliseconds: that it took.
    """

    request: str
    caller: str
    role: str
    pid: int
    serial: str
    operation: str
    subject: str
    status: int
    code: str
    milliseconds: int


def audit(entry: Entry) -> None:
    """Write a line."""
    values = asdict(entry)
    values["subject"] = printable(entry.subject[:_SUBJECT_MAX])
    outcome = entry.code or "done"
    text = "%s: %s by %s: %s"
    _LOG.info(text, values["subject"] or "-", entry.operation, entry.caller, outcome, extra={"audit": values})
