"""`guestwright template import`: a file becomes a template."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options, wait_options
from guestwright.cli.engine.template.bar import FilesBar
from guestwright.cli.engine.waiting import begun

_EPILOG: Final = f"""\b
Examples:
  guestwright template import debian-12.ova --host one --storage main --wait
  guestwright template import debian-12.ova --name golden --host one --storage main
  guestwright template import some-directory --host one --storage main --seal --wait

\b
OVF 1.x packages with raw or qcow2 disks, see docs/ovf.md. Without --seal or --no-seal
the disks are sealed if the package says that they were: here, as its word proves
nothing. Should a sealed guest not be sealable here, --no-seal takes it as it is.

{EXITS}"""


@click.command("import", epilog=_EPILOG, short_help="Make a template of an OVF package.")
@click.argument("path", metavar="FILE.ova|DIRECTORY", type=click.Path(exists=True, readable=True))
@click.option("--name", default="", help="Of the template.  [default: the package's]")
@click.option("--host", required=True, metavar="HOST", help="Where it goes.")
@click.option("--storage", required=True, metavar="NAME", help="Storage domain there.")
@click.option("--seal/--no-seal", default=None, help="Seal the disks.  [default: as the package says]")
@wait_options
@engine_options
def import_(path: str, **params: Any) -> int:
    """Make a template, or a further version of one, of a package: upload its disks, and begin a job."""
    bar = FilesBar()
    with connect(params) as client:
        try:
            job = client.import_template(
                path,
                host=params["host"],
                storage=params["storage"],
                name=params["name"],
                seal=params["seal"],
                progress=bar,
            )
        finally:
            bar.close()
        return begun(params, client, job)
