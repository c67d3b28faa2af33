"""`guestwright host sysprep`: generalise a guest with an answer file."""

from __future__ import annotations

from typing import Any, BinaryIO

import click

from guestwright.base.errors import UsageError
from guestwright.cli.host.options import EXITS, connect, service_options
from guestwright.cli.host.volume.parts import ended, tell, wait_option

_EPILOG = f"""\b
Examples:
  guestwright host sysprep win1 unattend.xml
  guestwright host sysprep web1 answers.toml --filename answers.toml --deadline 300 --json

\b
The guest gets the file on a medium, runs its own command and powers off; the medium
is destroyed, whatever happens. The file is kept in memory only.

{EXITS}"""


@click.command(epilog=_EPILOG, short_help="Generalise a guest with an answer file.")
@click.argument("name")
@click.argument("answers", type=click.File("rb"), metavar="FILE")
@click.option("--filename", default="", metavar="NAME", help="Of it, on the medium.  [default: unattend.xml]")
@click.option(
    "--deadline",
    type=click.FloatRange(1, 7200),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="For all of it, up to the guest's power-off.",
)
@wait_option
@service_options
def sysprep(
    name: str, answers: BinaryIO, *, filename: str, deadline: float, no_wait: bool, **params: Any
) -> None:
    """Generalise the guest in the domain NAME (or uuid) with the answer file FILE ("-": standard input)."""
    try:
        text = answers.read().decode()
    except UnicodeDecodeError as error:
        raise UsageError(problem=f"{answers.name} is no UTF-8 at byte {error.start}") from error
    body: dict[str, Any] = {"answers": text, "deadline": deadline}
    body |= {"filename": filename} if filename else {}
    with connect(params) as client:
        uuid = client.find(name)["domain"]["uuid"]
        job = client.post(f"/v1/domains/{uuid}/sysprep", body)
        if not no_wait:
            job = ended(client, job)
    tell(params, job, f"job {job['id']}" if no_wait else f"{name} is generalised, and off")
