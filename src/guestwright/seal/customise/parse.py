"""From the command line to directives, in the order given.

`parse_options` takes all customising options of a command line at once, `parse_option` a single one. Both
read what the options name on this host (files, keys, passwords) right away; the guest is not looked at.
"""

from __future__ import annotations

import os
import os.path
import time
from collections.abc import Iterable
from typing import Final

from guestwright.base.errors import UsageError
from guestwright.base.record import record
from guestwright.seal.customise.directives import Directive
from guestwright.seal.customise.errors import BadOption, BadValue, NeedsRunningGuest
from guestwright.seal.customise.local import read_file
from guestwright.seal.customise.option_parsers import PARSERS, Parse
from guestwright.seal.customise.options import REFUSED
from guestwright.seal.customise.selectors import Context, GeneratedPassword
from guestwright.seal.passwords.errors import HashUnusable, PasswordUnusable

COMMANDS_FROM_FILE: Final = "--commands-from-file"
_CRYPTO: Final = "--password-crypto"
_SECONDS_A_DAY: Final = 86400
_MAX_COMMANDS: Final = 1 << 20
_MAX_LINES: Final = 10_000


@record
class Customisation:
    """What the customising options of one command line come to.

    Attributes:
        directives: in the order given.
        generated: passwords that were made up (`random`); show them once, store them nowhere.
    """

    directives: tuple[Directive, ...]
    generated: tuple[GeneratedPassword, ...]


def new_context() -> Context:
    """A context with this process's clock, random source and home directory."""
    today = int(time.time()) // _SECONDS_A_DAY
    return Context(random_bytes=os.urandom, today=today, home=os.path.expanduser("~"))


def parse_options(pairs: Iterable[tuple[str, str]], context: Context | None = None) -> Customisation:
    """Parse all customising options of a command line.

    Args:
        pairs: flag (with dashes) and value, in the order given. `--password-crypto` counts for all passwords,
            wherever it stands; of several the last.
        context: for tests; by default `new_context()`.

    Raises:
        UsageError: of the first option that makes no sense; see `parse_option`.
    """
    context = context or new_context()
    given = list(pairs)
    for flag, value in given:
        if flag == _CRYPTO:
            parse_option(flag, value, context)
    found = [one for flag, value in given if flag != _CRYPTO for one in parse_option(flag, value, context)]
    return Customisation(directives=tuple(found), generated=tuple(context.generated))


def parse_option(flag: str, value: str, context: Context | None = None) -> list[Directive]:
    """Parse one option.

    Args:
        flag: one of `options.OPTIONS`.
        value: its value.
        context: shared by the options of one command line; takes generated passwords.

    Returns:
        Its directives; none for `--password-crypto`, several for `--copy-in` and a commands file.

    Raises:
        BadOption: unknown, or its value makes no sense. Values that may be secret are not repeated.
        NeedsRunningGuest: it would run code of the guest.
        PasswordOnCommandLine: `password:TEXT`.
        HostFileUnreadable: a file that it names.
        YescryptUnavailable: this host cannot make the hash asked for.
    """
    context = context or new_context()
    if flag in REFUSED:
        raise NeedsRunningGuest(option=flag, instead=REFUSED[flag])
    if flag == COMMANDS_FROM_FILE:
        return _commands_from_file(value, context)
    parse = _parser(flag)
    try:
        return parse(flag, value, context)
    except (BadValue, HashUnusable, PasswordUnusable) as error:
        raise BadOption(option=flag, problem=error.message, advice=error.advice) from None


def _parser(flag: str) -> Parse:
    parse = PARSERS.get(flag)
    if parse is None:
        known = ", ".join(sorted(PARSERS))
        raise BadOption(option=flag, problem="no such customising option", advice=f"known: {known}")
    return parse


def _commands_from_file(path: str, context: Context) -> list[Directive]:
    """One option a line, without dashes; `#` comments; a trailing backslash joins the next line."""
    if context.nested:
        problem = "a commands file cannot name another one"
        raise BadOption(option=COMMANDS_FROM_FILE, problem=problem, advice="put all commands into one file")
    data, _ = read_file(COMMANDS_FROM_FILE, path, limit=_MAX_COMMANDS)
    text = data.decode("utf-8", "surrogateescape")
    found: list[Directive] = []
    context.nested = True
    try:
        for number, line in _logical_lines(text):
            word, _, value = line.partition(" ")
            found += _command(path, number, f"--{word}", value.strip(), context)
    finally:
        context.nested = False
    return found


def _command(path: str, number: int, flag: str, value: str, context: Context) -> list[Directive]:
    try:
        return parse_option(flag, value, context)
    except UsageError as error:
        place = f"{path}, line {number}"
        raise BadOption(option=place, problem=error.message, advice=error.advice) from None


def _logical_lines(text: str) -> list[tuple[int, str]]:
    lines: list[tuple[int, str]] = []
    begun, start = "", 0
    physical = text.split("\n")
    if len(physical) > _MAX_LINES:
        problem = f"over {_MAX_LINES} lines"
        raise BadOption(option=COMMANDS_FROM_FILE, problem=problem, advice="use fewer")
    for number, line in enumerate(physical, 1):
        if not begun and (not line.strip() or line.lstrip().startswith("#")):
            continue
        start = start if begun else number
        begun += line.removesuffix("\r").lstrip() if not begun else line.removesuffix("\r")
        if begun.endswith("\\"):
            begun = begun[:-1]
            continue
        lines.append((start, begun))
        begun = ""
    if begun:
        lines.append((start, begun))
    return lines
