"""Parameters of jobs about templates and machines, checked before a job is kept. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guestwright.engine.templates.errors import BadTemplateRequest

NAME_MAX: Final = 255
"""Characters of a name, as in oVirt's engine (vm_static.vm_name)."""
_TEXT_MAX: Final = 255


def check_request(parameters: Mapping[str, Any], fields: Mapping[str, type]) -> None:
    """Refuse what lacks a field, has another, or has one of another type.

    Args:
        parameters: of the job.
        fields: types by name. All are needed; text must not be empty, but for fields that end in "?" here.

    Raises:
        BadTemplateRequest: and which field.
    """
    names = {name.rstrip("?") for name in fields}
    for extra in sorted(set(parameters) - names):
        raise BadTemplateRequest(field=extra[:80], problem="no such field")
    for name, kind in fields.items():
        plain = name.rstrip("?")
        value = parameters.get(plain)
        if type(value) is not kind:
            raise BadTemplateRequest(field=plain, problem=f"{kind.__name__} is wanted")
        if isinstance(value, str) and (len(value) > _TEXT_MAX or (not value and not name.endswith("?"))):
            raise BadTemplateRequest(field=plain, problem=f"1 to {_TEXT_MAX} characters are wanted")


def check_name(field: str, name: str) -> None:
    """Refuse a name that people could not read, or not tell from another.

    Raises:
        BadTemplateRequest: it is empty, long, or has control characters or blanks at an end.
    """
    if not 0 < len(name) <= NAME_MAX or name != name.strip() or not name.isprintable():
        raise BadTemplateRequest(
            field=field, problem=f"1 to {NAME_MAX} printable characters, no blanks at the ends"
        )
