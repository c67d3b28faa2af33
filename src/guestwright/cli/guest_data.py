"""Files and texts of guests on their way from and to this machine, for the commands that move them."""

from __future__ import annotations

import sys
from typing import BinaryIO, Final

import click

from guestwright.base.errors import UsageError
from guestwright.cli.output import human, print_json, say
from guestwright.cli.program import show, standard_input

FILE_MAX: Final = 16 << 20


def need_file(file: str | None, *, as_json: bool) -> None:
    """Refuse `--json` where a file would go to standard output, too."""
    if as_json and file is None:
        raise click.BadParameter("--json needs a FILE: standard output is for the JSON then")


def fetched(data: bytes, file: str | None, kind: str, *, as_json: bool) -> None:
    """Hand out a file that came from a guest.

    Args:
        data: its contents; the guest's, and not to be believed.
        file: where it goes; None for standard output.
        kind: of the JSON document.
        as_json: whether there is one.

    Raises:
        LocalFileFailed: it cannot be written.
    """
    from guestwright.host.client.errors import LocalFileFailed

    if file is None:
        show(sys.stdout.buffer, data, raw=not sys.stdout.isatty())
        return
    try:
        with open(file, "wb") as local:
            local.write(data)
    except OSError as error:
        raise LocalFileFailed(path=file, problem=error.strerror or str(error)) from error
    if as_json:
        print_json({"kind": kind, "schema": 1, "file": file, "size": len(data)})
    else:
        say(f"{file}: {human(len(data))}")


def sendable(source: BinaryIO) -> bytes:
    """What is to be sent into a guest as a file; `UsageError` if it is too much."""
    data = source.read(FILE_MAX + 1)
    if len(data) > FILE_MAX:
        raise UsageError(problem=f"{source.name} has more than {FILE_MAX} bytes")
    return data


def input_text() -> str:
    """Standard input as a text; `UsageError` if it is none."""
    try:
        return standard_input().decode()
    except UnicodeDecodeError as error:
        raise UsageError(problem=f"standard input is no UTF-8 at byte {error.start}") from error


def pasted(text: str, kind: str, *, as_json: bool) -> None:
    """Hand out a text that was copied in a guest; see `fetched`."""
    if as_json:
        print_json({"kind": kind, "schema": 1, "text": text})
    else:
        show(sys.stdout.buffer, text.encode("utf-8", "surrogateescape"), raw=not sys.stdout.isatty())
