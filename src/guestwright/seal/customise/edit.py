"""Substitution in a text file: what `--edit` does instead of virt-sysprep's Perl.

Theory of operation: the user chose the expression, the guest the text. Python's matcher backtracks, so an
expression is run only when its time can be bounded: nothing that matches in several ways may be repeated, and
the worst case over the lines of this file must stay within a budget. And sealing is idempotent, so an edit
whose result it would edit again is refused rather than applied a second time by the next run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from guestwright.seal.changes import Change
from guestwright.seal.customise.directives import EditFile
from guestwright.seal.customise.errors import EditRefused
from guestwright.seal.customise.looking import TEXT_LIMIT, content, need_file, put
from guestwright.seal.guest import Guest
from guestwright.seal.selinux.expression import ExpressionError, cost_order, parse_expression

MAX_STEPS: Final = 10_000_000_000
"""Worst case, which no ordinary file comes near; about a minute."""

MAX_GROWTH: Final = 4 << 20
_REFERENCE: Final = re.compile(r"\\([0-9]|g<[A-Za-z_][A-Za-z0-9_]*>|.)|\$(?:\{([0-9])\}|([0-9&]))", re.DOTALL)
_SIMPLER: Final = "use a simpler expression, without repeated groups that repeat or choose inside"


def plan_edit(directive: EditFile, guest: Guest) -> Iterator[Change]:
    """Edit a file that exists.

    Raises:
        GuestPathMissing: no such regular file.
        EditRefused: see the module's text.
    """
    path = directive.path
    need_file(guest.fs, path)
    old = content(guest.fs, path, limit=TEXT_LIMIT) or b""
    new = substitute(old, directive)
    if new != old and substitute(new, directive) != new:
        raise EditRefused(
            path=path,
            problem="its result would be edited again by the next run",
            advice="make the expression match only what is not edited yet, as in s/^(?!#)/#/",
        )
    yield from put(guest.fs, path, new, secret=True, reason="edited as asked for")


def substitute(data: bytes, edit: EditFile) -> bytes:
    """Apply an edit to a text, line by line; line ends are not part of a line.

    Raises:
        EditRefused: the expression is malformed or too expensive for this text, or the result is too large.
    """
    pattern = compile_edit(edit)
    text = data.decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    _check_cost(edit, max(map(len, lines)), sum(map(len, lines)))
    parts = _replacement(edit)
    count = 0 if "g" in edit.flags else 1
    new: list[str] = []
    size = 0
    for line in lines:
        body = line.removesuffix("\r")
        done = pattern.sub(lambda found: _expanded(found, parts), body, count=count) + line[len(body) :]
        size += len(done) + 1
        if size > MAX_GROWTH:
            raise EditRefused(path=edit.path, problem="the result is too large", advice="replace less")
        new.append(done)
    return "\n".join(new).encode("utf-8", "surrogateescape")


def compile_edit(edit: EditFile) -> re.Pattern[str]:
    """The expression, compiled; `EditRefused` when it is malformed or may take exponential time."""
    try:
        order = cost_order(parse_expression(edit.regex.encode("utf-8", "surrogateescape")))
        if order is None:
            raise EditRefused(path=edit.path, problem="the expression may run for ever", advice=_SIMPLER)
        pattern = re.compile(edit.regex, re.IGNORECASE if "i" in edit.flags else 0)
    except (ExpressionError, re.error) as error:
        advice = "see Python's re for the syntax; back-references and inline flags are not supported"
        raise EditRefused(path=edit.path, problem=f"bad expression: {error}", advice=advice) from error
    for part in _replacement(edit):
        known = part in pattern.groupindex if isinstance(part, _Name) else True
        if not known or (isinstance(part, int) and part > pattern.groups):
            problem = "the replacement names a group that the expression has not"
            raise EditRefused(path=edit.path, problem=problem, advice="count the ( in the expression")
    return pattern


class _Name(str):
    """Name of a group, as against literal text."""

    __slots__ = ()


def _replacement(edit: EditFile) -> list[str | int | _Name]:
    r"""Literal text and group numbers or names: `\1`, `\g<name>`, `$1`, `${1}`, `$&`; `\\`, `\$`, `\/`."""
    parts: list[str | int | _Name] = []
    at = 0
    for found in _REFERENCE.finditer(edit.replacement):
        parts.append(edit.replacement[at : found.start()])
        at = found.end()
        escaped, braced, dollar = found.groups()
        number = braced or dollar or escaped
        if number.isdigit() and number.isascii():
            parts.append(int(number))
        elif number == "&" and dollar:
            parts.append(0)
        elif len(number) > 1:
            parts.append(_Name(number[2:-1]))
        else:
            parts.append({"n": "\n", "t": "\t"}.get(number, number))
    parts.append(edit.replacement[at:])
    return parts


def _expanded(found: re.Match[str], parts: list[str | int | _Name]) -> str:
    text = []
    for part in parts:
        if isinstance(part, (int, _Name)):
            text.append(found.group(part) or "")
        else:
            text.append(part)
    return "".join(text)


def _check_cost(edit: EditFile, longest: int, total: int) -> None:
    order = cost_order(parse_expression(edit.regex.encode("utf-8", "surrogateescape"))) or 0
    if total * longest**order > MAX_STEPS:
        raise EditRefused(path=edit.path, problem="it might take too long on this file", advice=_SIMPLER)
