"""`guestwright disk upload`: a file becomes a disk."""

from __future__ import annotations

import os
from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options, wait_options
from guestwright.cli.engine.resuming import resumable
from guestwright.cli.engine.waiting import begun

_EPILOG: Final = f"""\b
Examples:
  guestwright disk upload debian.qcow2 --host one --storage main --wait
  guestwright disk upload data.img --name data --host one --storage main
  guestwright disk upload disk --format raw --host one --storage main
  guestwright disk upload debian.qcow2 --host one --storage main --resume 0190b2c4-…

\b
Lost connections are made anew, and a restart of the engine is waited for. What has
arrived is kept there: after an interruption --resume goes on with it.

{EXITS}"""


@click.command("upload", epilog=_EPILOG, short_help="Send a file and make it a disk.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True))
@click.option("--name", metavar="NAME", help="Of the disk.  [default: the file's, without suffix]")
@click.option("--host", required=True, metavar="HOST", help="Where it goes.")
@click.option("--storage", required=True, metavar="NAME", help="Storage domain there.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["raw", "qcow2"]),
    help="Of the file.  [default: by its suffix, .raw, .img or .qcow2]",
)
@click.option("--description", default="", metavar="TEXT", help="For people.")
@click.option("--resume", default="", metavar="UPLOAD", help="Go on with an upload that was interrupted.")
@wait_options
@engine_options
def upload(file: str, *, format_: str | None, resume: str, **params: Any) -> int:
    """Upload FILE (raw or qcow2) as a new disk; a job judges it at the end."""
    from guestwright.client.kinds import HOSTS

    with connect(params) as client:
        host = client.find(HOSTS, params["host"])["id"]
        with resumable(resume) as sent:
            job = client.upload_disk(
                file,
                name=params["name"] or os.path.splitext(os.path.basename(file))[0],
                host=host,
                storage=params["storage"],
                format=format_ or "",
                description=params["description"],
                upload=resume,
                begun=sent.begun,
                progress=sent.bar,
            )
        return begun(params, client, job)
