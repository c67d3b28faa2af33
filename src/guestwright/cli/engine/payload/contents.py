"""`guestwright payload contents`: what is in a payload that the engine keeps.

Theory of operation: names come from another machine and may be hostile, so they are checked as those of
inputs are, and the folder they go to is made by this command: nothing can wait in it as a link.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, Final

import click

from guestwright.base.errors import UsageError
from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.host.table import table
from guestwright.cli.output import print_json, say

_EPILOG: Final = f"""\b
Examples:
  guestwright payload contents web
  guestwright payload contents web --output found/
  guestwright payload contents web --version 2 --file user-data > user-data

\b
It takes the right to read payloads, and leaves a line in the audit log.

{EXITS}"""


@click.command("contents", epilog=_EPILOG, short_help="What is in a payload that the engine keeps.")
@click.argument("name")
@click.option(
    "--version", "number", type=click.IntRange(1), metavar="N", help="Which.  [default: the newest]"
)
@click.option("--output", metavar="DIR", help="New folder to write the files to, for you only.")
@click.option("--file", "path", metavar="PATH", help="Write this one to standard output.")
@engine_options
def contents(name: str, *, number: int | None, output: str | None, path: str | None, **params: Any) -> None:
    """List the files of the payload NAME, or fetch them."""
    from guestwright.client.calls import payloads
    from guestwright.client.kinds import PAYLOADS

    if path is not None and (output is not None or params["as_json"]):
        raise UsageError(problem="--file goes to standard output, alone")
    with connect(params) as client:
        found = client.do(payloads.contents(client.find(PAYLOADS, name)["id"], number))
    if path is not None:
        if path not in found.files:
            raise UsageError(problem=f"{name} has no file {path}")
        sys.stdout.buffer.write(found.files[path])
        sys.stdout.buffer.flush()
        return
    if output is not None:
        _write(output, found.files)
    sizes = {one: len(data) for one, data in sorted(found.files.items())}
    if params["as_json"]:
        document = {"name": name, "version": found.version, "files": sizes, "output": output}
        print_json({"kind": "guestwright.payload.contents", "schema": 1, "contents": document})
        return
    for line in table(("BYTES", "FILE"), [(str(size), one) for one, size in sizes.items()]):
        say(line)


def _write(output: str, files: Mapping[str, bytes]) -> None:
    from guestwright.media.errors import MediaOutputError
    from guestwright.media.sources.names import media_path, refuse_clashes

    paths = [media_path(one) for one in files]
    refuse_clashes(paths)
    try:
        os.mkdir(output, 0o700)
        for where, data in zip(paths, files.values(), strict=True):
            full = output + where
            os.makedirs(os.path.dirname(full), 0o700, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with open(os.open(full, flags, 0o600), "wb") as file:
                file.write(data)
    except OSError as error:
        raise MediaOutputError(path=output, problem=error.strerror or "cannot be written") from error
