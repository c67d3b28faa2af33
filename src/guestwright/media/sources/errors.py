"""What can be wrong with the input of a payload. Every error names file, line and column.

A problem never quotes a value: user-data and answer files are full of passwords.
"""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import UsageError
from guestwright.base.record import record


@record
class Finding:
    """One problem or warning.

    Attributes:
        file: the name of the input, as the caller gave it.
        line, column: where, both from 1.
        problem: what is wrong; never quotes a value.
    """

    file: str
    line: int
    column: int
    problem: str


class BadPayload(UsageError):
    """The content breaks a rule of its form; nothing was written.

    Attributes:
        also: all that was found together with what the error is about, in order of the places.
    """

    also: tuple[Finding, ...] = ()

    code = "payload-invalid"
    template = "{file}:{line}:{column}: {problem}"
    hint = "lines and columns count from 1; `guestwright payload validate` lists every problem"


class BadPayloadName(BadPayload):
    """A file cannot have this name on a medium that every guest can read."""

    code = "payload-bad-name"
    hint = "relative, at most 253 bytes a part, no '..', no control characters, no name that Windows reserves"


class PayloadTooLarge(BadPayload):
    """The content is larger than its consumer takes, or than the policy allows."""

    code = "payload-too-large"
    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    hint = "make it smaller, or raise the limit if the guest's side takes more"


class BadPayloadEncoding(BadPayload):
    """Bytes are not text in the encoding they should be in, not base64, or not a whole gzip stream."""

    code = "payload-encoding"
    hint = "text is UTF-8; check how the file was saved or sent"


class UnsafePayload(BadPayload):
    """The content uses a feature that has no place in a payload and is known from attacks on parsers."""

    code = "payload-unsafe"
    hint = "write the content out: no DOCTYPE, no entities, no deep nesting, few aliases"
