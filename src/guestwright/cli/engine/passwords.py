"""Passwords and tokens from people and files, never from the command line, which others can read."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from guestwright.base.errors import UsageError
from guestwright.base.secret import Secret

Command = TypeVar("Command", bound=Callable[..., Any])
_MAX: Final = 64 << 10


def password_options(command: Command) -> Command:
    """Add `--password-file` and `--password-fd`."""
    command = click.option(
        "--password-fd", type=click.IntRange(0), metavar="N", help="Read it from this descriptor."
    )(command)
    return click.option(
        "--password-file",
        metavar="FILE",
        help="Read it from a file, - for standard input; else it is asked for.",
    )(command)


def asked_password(params: dict[str, Any], prompt: str, *, twice: bool = False) -> Secret:
    """The password that is meant.

    Args:
        params: of `password_options`.
        prompt: for people.
        twice: whether it is asked for twice.

    Raises:
        UsageError: there is none.
    """
    path, descriptor = params["password_file"], params["password_fd"]
    if path is not None and descriptor is not None:
        raise UsageError(problem="give one of --password-file and --password-fd")
    if path is not None or descriptor is not None:
        return read_secret(path if descriptor is None else descriptor)
    if not sys.stdin.isatty():
        raise UsageError(
            problem="there is nobody to ask for a password: use --password-file or --password-fd"
        )
    return Secret(click.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True))


def read_secret(where: str | int) -> Secret:
    """The first line of a file, of standard input ("-") or of a descriptor.

    Raises:
        UsageError: it cannot be read, or is empty.
    """
    try:
        if where == "-":
            data = sys.stdin.buffer.read(_MAX)
        else:
            with open(where, "rb", closefd=isinstance(where, str)) as file:
                data = file.read(_MAX)
    except OSError as error:
        name = where if isinstance(where, str) else f"descriptor {where}"
        raise UsageError(problem=f"{name}: {error.strerror or os.strerror(error.errno or 0)}") from error
    try:
        text = data.partition(b"\n")[0].rstrip(b"\r").decode()
    except UnicodeDecodeError as error:
        raise UsageError(problem="the secret is no UTF-8") from error
    if not text:
        raise UsageError(problem="the secret is empty")
    return Secret(text)
