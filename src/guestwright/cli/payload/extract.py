"""`guestwright payload extract`: files from a medium.

Theory of operation: names on the medium may be hostile, so they are checked as those of inputs are, and the
folder they go to is made by this command: nothing can wait in it as a link.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any

import click

from guestwright.base.errors import UsageError
from guestwright.media.image import Found, FoundKind, Medium, contents, lookup

_EPILOG = """\b
Examples:
  guestwright payload extract web1.iso --output found/
  guestwright payload extract web1.iso --file /user-data --output user-data"""


@click.command(epilog=_EPILOG, short_help="Copy files from a medium.")
@click.argument("image")
@click.option("--output", required=True, metavar="DIR", help="New folder; with --file, a new file or -.")
@click.option("--file", "path", metavar="PATH", help="Only this one.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def extract(**params: Any) -> None:
    """Copy all files of IMAGE, or one, for the caller only (modes 0600 and 0700)."""
    from guestwright.cli.output import print_json, say
    from guestwright.cli.payload.medium import checked_files, opened_medium

    output = params["output"]
    if output == "-" and (params["as_json"] or params["path"] is None):
        raise UsageError(problem="--output - is for one --file, and not for --json")
    with opened_medium(params["image"]) as medium:
        checked_files(medium)
        if params["path"] is not None:
            one = lookup(medium, params["path"])
            if one.kind is not FoundKind.FILE:
                raise UsageError(problem=f"{params['path']} is no file")
            copied = [one.path]
            _one(medium, one, output)
        else:
            copied = _all(medium, output)
    if params["as_json"]:
        print_json({"kind": "guestwright.payload.extracted", "schema": 1, "output": output, "files": copied})
    elif output != "-":
        say(f"{output}: {len(copied)} files")


def _one(medium: Medium, one: Found, output: str) -> None:
    from guestwright.media.output import create

    if output == "-":
        for piece in contents(medium, one):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    with create(output) as descriptor:
        _copy(medium, one, descriptor)


def _all(medium: Medium, output: str) -> list[str]:
    from guestwright.media.errors import MediaOutputError
    from guestwright.media.sources.names import media_path, refuse_clashes

    found = [one for one in medium.found() if one.kind is not FoundKind.OTHER]
    files = [one.path for one in found if one.kind is FoundKind.FILE]
    for one in found:
        media_path(one.path[1:])
    refuse_clashes(files)
    try:
        os.mkdir(output, 0o700)
    except OSError as error:
        raise MediaOutputError(path=output, problem=error.strerror or "cannot be made") from error
    try:
        for one in found:
            where = output + one.path
            os.makedirs(os.path.dirname(where) if one.kind is FoundKind.FILE else where, 0o700, exist_ok=True)
            if one.kind is FoundKind.FILE:
                descriptor = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
                try:
                    _copy(medium, one, descriptor)
                finally:
                    os.close(descriptor)
    except BaseException:
        shutil.rmtree(output, ignore_errors=True)
        raise
    return files


def _copy(medium: Medium, one: Found, descriptor: int) -> None:
    for piece in contents(medium, one):
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
