"""How things of the engine are shown: columns of lists, names and values of one thing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

from guestwright.cli.host.shown import clock
from guestwright.cli.host.table import pairs, table
from guestwright.cli.output import human, print_json, say

Json = dict[str, Any]
Column = tuple[str, Callable[[Json], str]]

_TIMES: Final = frozenset(
    (
        "created",
        "changed",
        "started",
        "ended",
        "seen",
        "since",
        "at",
        "expires",
        "used",
        "agent_since",
        "time",
    )
)
_SIZES: Final = frozenset(("memory", "capacity", "free", "size"))
_TEXT_MAX: Final = 2000
_NOTHING: Final = {
    "vms": "`guestwright vm create` makes machines from a template; those of a host show up by themselves",
    "templates": "`guestwright template create --from VM --name NAME` makes one from a machine that is off",
    "payloads": "`guestwright payload store NAME` has the engine keep one",
    "hosts": "`guestwright host add NAME ADDRESS` has the engine look after one",
    "alarms": "no identity is claimed by two machines: none was cloned without being sealed",
    "syspreps": "`guestwright vm sysprep VM --unattend FILE` asks for one",
    "storage": "a host that is up brings its own: `guestwright host list`",
    "disks": "disks come with machines: `guestwright vm list`",
    "jobs": "whatever takes long is one: `guestwright vm create`, `guestwright template create`",
    "users": "`guestwright user add NAME` makes one",
    "tokens": "`guestwright token make NAME --days N` makes one",
}


def of(name: str) -> Callable[[Json], str]:
    """A field, by its path with dots, as text."""
    parts = name.split(".")

    def look(item: Json) -> str:
        value: Any = item
        for part in parts:
            value = value.get(part) if isinstance(value, dict) else None
        return text(parts[-1], value)

    return look


def text(name: str, value: Any) -> str:
    """A value in few words.

    Args:
        name: of the field, which says what a number means.
        value: plain JSON.
    """
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        if name in _TIMES:
            return clock(value)
        return human(value) if name in _SIZES else f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, str):
        return value[:_TEXT_MAX]
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return " ".join(value)[:_TEXT_MAX]
    return json.dumps(value, ensure_ascii=False)[:_TEXT_MAX]


def print_items(params: Json, kind: str, items: Sequence[Json], columns: Sequence[Column]) -> None:
    """A list, as JSON or as a table; to a person, when it is empty, how something comes into it."""
    if params["as_json"]:
        print_json({"kind": f"guestwright.{kind}", "schema": 1, "items": list(items)})
        return
    if not items and sys.stdout.isatty():
        say("there is nothing to show")
        if kind in _NOTHING:
            say(f"  hint: {_NOTHING[kind]}")
        return
    _print_table(items, columns)


def print_versions(
    params: Json, kind: str, item: Json, versions: Sequence[Json], columns: Sequence[Column]
) -> None:
    """One thing and its versions, as JSON or as names and values above a table."""
    if params["as_json"]:
        print_json({"kind": f"guestwright.{kind}", "schema": 1, kind: {**item, "versions": versions}})
        return
    print_one(params, kind, item)
    say()
    _print_table(versions, columns)


def _print_table(items: Sequence[Json], columns: Sequence[Column]) -> None:
    rows = [[show(item) for _, show in columns] for item in items]
    for line in table([head for head, _ in columns], rows):
        say(line)


def print_one(params: Json, kind: str, item: Json) -> None:
    """One thing, as JSON or as names and values."""
    if params["as_json"]:
        print_json({"kind": f"guestwright.{kind}", "schema": 1, kind: item})
        return
    for line in pairs(rows_of(item)):
        say(line)


def print_done(params: Json, kind: str, item: Json, line: str) -> None:
    """That something was done: the thing as JSON, or a line."""
    if params["as_json"]:
        print_json({"kind": f"guestwright.{kind}", "schema": 1, kind: item})
    else:
        say(line)


def rows_of(item: Json, before: str = "") -> list[tuple[str, str]]:
    """Names and values; of objects in it likewise, one level down."""
    rows: list[tuple[str, str]] = []
    for name, value in item.items():
        shown = before + name.replace("_", " ")
        if isinstance(value, dict) and value and not before:
            rows += rows_of(value, f"{shown} ")
        else:
            rows.append((shown, text(name, value)))
    return rows
