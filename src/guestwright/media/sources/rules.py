"""Rules for documents: small functions that say what a value may be, composed into tables.

Theory of operation: a rule gets a node and where it stands (`users[0].name`) and notes problems in
`Findings`. A rule never sees more than its own value, so tables of rules read as the format's description.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from guestwright.media.sources.findings import Findings
from guestwright.media.sources.nodes import Entry, Node, kind_of

Rule = Callable[[Node, str, Findings], None]
_SHOWN: Final = 60  # characters of a key in a message


def anything(node: Node, path: str, findings: Findings) -> None:
    """Every value is fine."""
    del node, path, findings


def text(*, pattern: str = "", what: str = "", longest: int = 0, empty: bool = True) -> Rule:
    """Text that, if `pattern` is given, matches it as a whole; `what` says so to people."""
    compiled = re.compile(pattern) if pattern else None

    def rule(node: Node, path: str, findings: Findings) -> None:
        if not isinstance(node.value, str):
            findings.problem(node.at, f"{path}: expected {what or 'text'}, found {kind_of(node)}")
        elif not empty and not node.value.strip():
            findings.problem(node.at, f"{path}: may not be empty")
        elif longest and len(node.value) > longest:
            findings.problem(node.at, f"{path}: longer than {longest} characters")
        elif compiled is not None and compiled.fullmatch(node.value) is None:
            findings.problem(node.at, f"{path}: expected {what}")

    return rule


def boolean(node: Node, path: str, findings: Findings) -> None:
    """True or false."""
    if not isinstance(node.value, bool):
        findings.problem(node.at, f"{path}: expected true or false, found {kind_of(node)}")


def integer(least: int | None = None, most: int | None = None) -> Rule:
    """A whole number between the two."""

    def rule(node: Node, path: str, findings: Findings) -> None:
        value = node.value
        if not isinstance(value, int) or isinstance(value, bool):
            findings.problem(node.at, f"{path}: expected a whole number, found {kind_of(node)}")
        elif (least is not None and value < least) or (most is not None and value > most):
            limits = f"{'' if least is None else least}..{'' if most is None else most}"
            findings.problem(node.at, f"{path}: expected a number in {limits}")

    return rule


def choice(*allowed: Any) -> Rule:
    """One of a few values."""
    shown = ", ".join(str(one).lower() if isinstance(one, bool) else str(one) for one in allowed)

    def rule(node: Node, path: str, findings: Findings) -> None:
        if not any(type(node.value) is type(one) and node.value == one for one in allowed):
            findings.problem(node.at, f"{path}: expected one of {shown}")

    return rule


def list_of(item: Rule, *, least: int = 0, most: int = 0) -> Rule:
    """A list whose items keep a rule."""

    def rule(node: Node, path: str, findings: Findings) -> None:
        if not isinstance(node.value, tuple):
            findings.problem(node.at, f"{path}: expected a list, found {kind_of(node)}")
            return
        if len(node.value) < least or (most and len(node.value) > most):
            findings.problem(node.at, f"{path}: expected {least} to {most or 'any number of'} items")
        for index, one in enumerate(node.value):
            if findings.full():
                return
            item(one, f"{path}[{index}]", findings)

    return rule


def mapping(
    keys: Mapping[str, Rule] | None = None,
    *,
    required: tuple[str, ...] = (),
    others: Rule | None = None,
    strict: bool = True,
) -> Rule:
    """A mapping.

    Args:
        keys: rules of the known keys.
        required: keys that must be there.
        others: rule of all other keys; None when there may be none.
        strict: an unknown key is a problem; else a warning.
    """
    known = keys or {}

    def rule(node: Node, path: str, findings: Findings) -> None:
        if not isinstance(node.value, Mapping):
            findings.problem(node.at, f"{path or 'document'}: expected a mapping, found {kind_of(node)}")
            return
        for name in required:
            if name not in node.value:
                findings.problem(node.at, f"{path or 'document'}: lacks the key '{name}'")
        for name, entry in node.value.items():
            one = known.get(name, others)
            if one is not None:
                one(entry.node, f"{path}.{name[:_SHOWN]}".lstrip("."), findings)
                continue
            if findings.full(warnings=not strict):
                continue
            note = findings.problem if strict else findings.warn
            note(entry.at, f"{path or 'document'}: unknown key '{name[:_SHOWN]}'{_like(name, known)}")

    return rule


def either(*rules: Rule, what: str) -> Rule:
    """One of several; the problem says `what` was expected, or what the nearest rule says."""

    def rule(node: Node, path: str, findings: Findings) -> None:
        tried = []
        for one in rules:
            mine = Findings(findings.file)
            one(node, path, mine)
            if not mine.problems:
                findings.warnings.extend(mine.warnings)
                return
            tried.append(mine)
        inside = [mine for mine in tried if all(found_at != node.at for found_at in mine.places())]
        if len(inside) == 1:
            findings.problems.extend(inside[0].problems)
            return
        findings.problem(node.at, f"{path or 'document'}: expected {what}")

    return rule


def also(first: Rule, then: Rule) -> Rule:
    """Both; the second one only when the first found nothing."""

    def rule(node: Node, path: str, findings: Findings) -> None:
        before = len(findings.problems)
        first(node, path, findings)
        if len(findings.problems) == before:
            then(node, path, findings)

    return rule


def optional(inner: Rule) -> Rule:
    """The rule, or nothing (`key:` with no value)."""

    def rule(node: Node, path: str, findings: Findings) -> None:
        if node.value is not None:
            inner(node, path, findings)

    return rule


def deprecated(inner: Rule, instead: str) -> Rule:
    """The rule, and a warning that says what to use instead."""

    def rule(node: Node, path: str, findings: Findings) -> None:
        findings.warn(node.at, f"{path}: deprecated; {instead}")
        inner(node, path, findings)

    return rule


def entry_of(node: Node, name: str) -> Entry | None:
    """The entry of a mapping; None when there is none."""
    return node.value.get(name) if isinstance(node.value, Mapping) else None


def _like(name: str, known: Mapping[str, Rule]) -> str:
    near = difflib.get_close_matches(name[:_SHOWN], list(known), n=1, cutoff=0.75)
    return f"; did you mean '{near[0]}'?" if near else ""
