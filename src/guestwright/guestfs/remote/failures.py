"""How errors travel: by code, so that the parent raises the class that the child raised."""

from __future__ import annotations

from typing import Any, Final

from guestwright.base.errors import GuestwrightError
from guestwright.guestfs.remote.wire import Malformed

# Work that runs in the child raises errors of its own packages, which this one does not know.
_PACKAGES: Final = ("guestwright.base.", "guestwright.confine.", "guestwright.guestfs.", "guestwright.seal.")
_MAX_PARAMS: Final = 16
_MAX_TEXT: Final = 8192


def from_error(error: GuestwrightError) -> dict[str, Any]:
    """An error for JSON."""
    return {"code": error.code, "params": {name: _plain(value) for name, value in error.params.items()}}


def to_error(value: Any) -> GuestwrightError:
    """The error to raise.

    Raises:
        Malformed: an unknown code, or not the parameters that its message needs.
    """
    if type(value) is not dict or type(value.get("params")) is not dict or type(value.get("code")) is not str:
        raise Malformed("an error of another shape")
    params = value["params"]
    found = _classes(GuestwrightError).get(value["code"])
    if found is None:
        raise Malformed("an error that nobody knows")
    if len(params) > _MAX_PARAMS or any(type(each) not in {str, int} for each in params.values()):
        raise Malformed("an error with strange parameters")
    try:
        error = found(**{name: _plain(each) for name, each in params.items()})
        str(error.advice)
    except (KeyError, TypeError, ValueError):
        raise Malformed("an error that lacks parameters") from None
    return error


def _classes(top: type[GuestwrightError]) -> dict[str, type[GuestwrightError]]:
    """All loaded errors that a child may raise, by code."""
    found = {top.code: top} if top.__module__.startswith(_PACKAGES) and top is not GuestwrightError else {}
    for each in top.__subclasses__():
        found.update(_classes(each))
    return found


def _plain(value: Any) -> str | int:
    if type(value) is int and abs(value) < 1 << 64:
        return value
    return str(value)[:_MAX_TEXT]
