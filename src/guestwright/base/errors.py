"""The one error base of Guestwright.

Theory of operation: an error is a class, not a string. The class carries everything that is the same each
time (stable code, exit status, HTTP status, message template, hint); the instance carries named parameters.
Each front (command line, REST, XenAPI) renders the same instance its own way, and clients match on `code`,
never on prose. Codes are append-only: `tests/meta/test_errors.py` refuses duplicates and undocumented ones.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar

from guestwright.base.printable import printable
from guestwright.base.secret import Secret

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_LEFTOVERS = 3
EXIT_UNSUPPORTED = 4
EXIT_PENDING = 5


class GuestwrightError(Exception):
    """Base of all errors that Guestwright raises on purpose.

    Class attributes:
        code: stable machine-readable name, kebab-case.
        exit_status: what the command line exits with.
        http_status: what the REST front answers with.
        template: `str.format` template over the instance's parameters.
        hint: what to do about it; also a template. Empty when there is nothing useful to say.

    Args:
        **params: values for the templates. Text is shown with control characters escaped, so that a name
            that a hostile guest chose cannot drive the terminal. A `Secret` is always shown masked.
    """

    code: ClassVar[str] = "internal"
    exit_status: ClassVar[int] = EXIT_FAILED
    http_status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    template: ClassVar[str] = "internal error: {detail}"
    hint: ClassVar[str] = ""

    def __init__(self, **params: Any) -> None:
        self.params: dict[str, Any] = params
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The rendered message, one line."""
        return self.template.format_map(self._shown())

    @property
    def advice(self) -> str:
        """The rendered hint; empty when the class has none."""
        return self.hint.format_map(self._shown())

    def as_dict(self) -> dict[str, Any]:
        """The wire form: code, message, hint and the parameters as text."""
        return {"code": self.code, "message": self.message, "hint": self.advice, "params": self._shown()}

    def _shown(self) -> dict[str, str]:
        return {name: _show(value) for name, value in self.params.items()}


class UsageError(GuestwrightError):
    """The caller asked for something that makes no sense; nothing was touched."""

    code = "usage"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "{problem}"


class UnsupportedError(GuestwrightError):
    """The guest, the image or the host lacks what the request needs; nothing was touched."""

    code = "unsupported"
    exit_status = EXIT_UNSUPPORTED
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "{problem}"


def _show(value: Any) -> str:
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    return printable(str(value))
