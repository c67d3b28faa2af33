"""`guestwright payload store`: the engine keeps a payload; a large one is sent by pieces."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.base.errors import UsageError
from guestwright.base.printable import printable
from guestwright.cli.engine.options import EXITS, connect
from guestwright.cli.engine.resuming import resumable
from guestwright.cli.engine.shown import print_done
from guestwright.cli.payload.inputs import input_options

_EPILOG: Final = f"""\b
Examples:
  guestwright payload store web --user-data ud.yaml --instance-id i-1
  guestwright payload store win --unattend unattend.xml --description 'Windows 2022'
  guestwright payload store web --user-data ud2.yaml --instance-id i-1 --new-version
  guestwright payload store scripts --file a.sh=a.sh --file b/c.txt=c.txt

\b
The inputs are checked here as `payload build` checks them; the engine encrypts
what it keeps, and takes at most 16 KiB a file unless its owner says otherwise.
What is larger than 2 MiB is sent by pieces, over lost connections too; after an
interruption --resume goes on with it, with the same files in the same order.

{EXITS}"""
_FILE_MAX: Final = 16 << 20  # bytes; the engine's own limit is at most this, as the next
_TOTAL_MAX: Final = 32 << 20


@click.command("store", epilog=_EPILOG, short_help="Have the engine keep a payload.")
@click.argument("name")
@click.option("--new-version", is_flag=True, help="Add a version to the payload of this name.")
@click.option("--description", default="", metavar="TEXT", help="For people.")
@click.option("--resume", default="", metavar="UPLOAD", help="Go on with an upload that was interrupted.")
@click.option("--server", metavar="URL", help="Engine to ask, where somebody has logged in.")
@input_options
def store(name: str, *, new_version: bool, description: str, resume: str, **params: Any) -> None:
    """Have the engine keep what the options name as the payload NAME."""
    from guestwright.cli.payload.contents import contents_of
    from guestwright.cli.payload.inputs import payload_from
    from guestwright.client.kinds import PAYLOADS

    if new_version and description:
        raise UsageError(problem="--description goes with a new payload only")
    made = payload_from(params)
    files = contents_of(made, _FILE_MAX, _TOTAL_MAX)
    more: dict[str, Any] = {"name": name, "description": description}
    with connect(params) as client:
        if new_version:
            more = {"payload": client.find(PAYLOADS, name)["id"]}
        with resumable(resume) as upload:
            found = client.store_payload(
                files,
                label=made.label,
                upload=resume,
                begun=upload.begun,
                progress=upload.bar,
                **more,
            )
    print_done(params, "payload", found, f"{printable(str(found.get('name')))} is kept")
