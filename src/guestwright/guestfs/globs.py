r"""Shell patterns: brace expansion and the matching of one component, as glob(7) has them.

`*`, `?` and `[…]` match within one component and never a leading dot; `[!…]` and `[^…]` negate; `\x` is a
literal x. `{a,b}` expands before anything else, nested too; a brace without a comma or without its partner is
a literal brace, as in bash. Named classes (`[[:digit:]]`) are not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final

from guestwright.guestfs.errors import TooLarge

MAX_EXPANSIONS: Final = 4096
_MAGIC: Final = frozenset("*?[\\")
_ESCAPED: Final = re.compile(r"([*?\[\]{},\\])")


def escape(text: str) -> str:
    """The pattern that matches exactly `text`; for names that a guest chose."""
    return _ESCAPED.sub(r"\\\1", text)


def is_magic(component: str) -> bool:
    """Whether a component (braces already expanded) is more than its own text."""
    return not _MAGIC.isdisjoint(component)


def literal(component: str) -> str | None:
    """The one name that a component without wildcards matches; None when it has wildcards."""
    if not is_magic(component):
        return component
    tokens = tuple(_tokens(component))
    return None if any(wild for _, wild in tokens) else "".join(text for text, _ in tokens)


def expand_braces(pattern: str, *, limit: int = MAX_EXPANSIONS) -> list[str]:
    """Expand `{a,b}`.

    Args:
        pattern: a pattern of any number of components.
        limit: how many results at most.

    Returns:
        The patterns without braces, left to right, duplicates kept.

    Raises:
        TooLarge: more than `limit` results.
    """
    if "{" not in pattern:
        return [pattern]
    done: list[str] = []
    todo = [("", pattern)]
    while todo:
        head, rest = todo.pop()
        group = _first_group(rest)
        if group is None:
            done.append(head + rest)
        else:
            start, end, parts = group
            head += rest[:start]
            todo.extend((head, part + rest[end:]) for part in reversed(parts))
        if len(done) + len(todo) > limit:
            raise TooLarge(path=pattern, size="the number of alternatives", limit=limit)
    return done


@lru_cache(maxsize=1024)
def compiled(component: str) -> re.Pattern[str]:
    """One component with wildcards as a regular expression for `fullmatch`.

    Each `*` is tied to the text after it by an atomic group, so that matching a hostile name takes time
    proportional to its length times the pattern's, never more.
    """
    body = ""
    pending = ""  # fixed-length text since the last star
    star = False
    for text, wild in _tokens(component):
        if wild and text == "*":
            body, pending, star = _close(body, pending, star=star), "", True
        else:
            pending += text if wild else re.escape(text)
    body += f".*{pending}" if star else pending
    hidden = component.startswith((".", "\\."))
    return re.compile(("" if hidden else r"(?!\.)") + body, re.DOTALL)


def _close(body: str, pending: str, *, star: bool) -> str:
    if not star:
        return body + pending
    return f"{body}(?>.*?{pending})" if pending else body


def _tokens(component: str) -> Iterator[tuple[str, bool]]:
    """(text, False) for literal text, (expression, True) for a wildcard; the star is "*" itself."""
    at = 0
    while at < len(component):
        char = component[at]
        at += 1
        if char == "*":
            yield "*", True
        elif char == "?":
            yield ".", True
        elif char == "\\" and at < len(component):
            yield component[at], False
            at += 1
        elif char == "[" and (end := _bracket_end(component, at)):
            yield _bracket(component[at:end]), True
            at = end + 1
        else:
            yield char, False


def _bracket_end(component: str, at: int) -> int:
    """Index of the `]` that closes the bracket whose content starts at `at`; 0 when there is none."""
    if component[at : at + 1] in {"!", "^"}:
        at += 1
    return max(0, component.find("]", at + 1))


def _bracket(content: str) -> str:
    negated = content[0] in "!^"
    content = content[1:] if negated else content
    singles, at = [], 0
    while at < len(content):
        if content[at + 1 : at + 2] == "-" and at + 2 < len(content):
            low, high = content[at], content[at + 2]
            if low <= high:
                singles.append(f"{re.escape(low)}-{re.escape(high)}")
            at += 3
        else:
            singles.append(re.escape(content[at]))
            at += 1
    if not singles:
        return "." if negated else r"[^\s\S]"
    return f"[{'^' if negated else ''}{''.join(singles)}]"


def _first_group(text: str) -> tuple[int, int, list[str]] | None:
    """The first `{…,…}` with a partner and a comma: its start, the index after it, its alternatives."""
    if "{" not in text:
        return None
    partner = _partners(text)
    for start in sorted(partner):
        end, commas = partner[start]
        if commas:
            edges = [start, *commas, end]
            parts = [text[a + 1 : b] for a, b in pairwise(edges)]
            return start, end + 1, parts
    return None


def _partners(text: str) -> dict[int, tuple[int, list[int]]]:
    """Opening brace to its closing brace and the commas directly inside."""
    found: dict[int, tuple[int, list[int]]] = {}
    stack: list[tuple[int, list[int]]] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif char == "{":
            stack.append((at, []))
        elif char == "," and stack:
            stack[-1][1].append(at)
        elif char == "}" and stack:
            start, commas = stack.pop()
            found[start] = (at, commas)
        at += 1
    return found
