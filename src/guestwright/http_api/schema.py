"""Pieces of an OpenAPI document that both interfaces have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from guestwright.base.errors import GuestwrightError

REFERENCE: Final = "#/components/schemas/{name}"
_NAMES: Final = re.compile(r"\{(\w+)(?::\w+)?\}")


def plain_path(path: str) -> str:
    """A path without the kinds of its names."""
    return _NAMES.sub(r"{\1}", path)


def path_parameters(path: str) -> list[dict[str, Any]]:
    """The names in a path as parameters."""
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _NAMES.findall(path)
    ]


def query_parameters(reference: Mapping[str, Any], components: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The fields of a query as parameters.

    Args:
        reference: to its schema.
        components: all schemas by name.
    """
    schema = components[reference["$ref"].rpartition("/")[2]]
    return [
        {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": inner}
        for name, inner in schema["properties"].items()
    ]


def refusals(errors: Iterable[type[GuestwrightError]], content: Mapping[str, Any]) -> dict[str, Any]:
    """Answers that are no success, by status; each names the codes that come with it.

    Args:
        errors: that may be.
        content: of the answer.
    """
    codes: dict[int, set[str]] = {}
    for error in errors:
        codes.setdefault(int(error.http_status), set()).add(error.code)
    return {
        str(status): {"description": ", ".join(sorted(names)), "content": content}
        for status, names in sorted(codes.items())
    }
