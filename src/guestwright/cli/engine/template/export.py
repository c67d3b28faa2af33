"""`guestwright template export`: a template becomes a file."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_done
from guestwright.cli.engine.template.bar import FilesBar
from guestwright.cli.output import human

_EPILOG: Final = f"""\b
Examples:
  guestwright template export debian-12 debian-12.ova
  guestwright template export debian-12 debian-12.ova --version 3
  guestwright template export debian-12 some-directory

\b
An OVF 1.1 package, see docs/ovf.md: descriptor, manifest, and the disks as they lie
in the storage domain. Until it is whole, an .ova needs twice the room of its disks.
What payloads hold is in no package.

{EXITS}"""


@click.command("export", epilog=_EPILOG, short_help="Write a template as an OVF package.")
@click.argument("template")
@click.argument("path", metavar="FILE.ova|DIRECTORY", type=click.Path(writable=True))
@click.option("--version", "number", type=click.IntRange(min=1), help="Which.  [default: the newest]")
@engine_options
def export(template: str, path: str, *, number: int | None, **params: Any) -> None:
    """Write a version of TEMPLATE as a package: one file if its name ends in .ova, else a directory."""
    bar = FilesBar()
    with connect(params) as client:
        try:
            found = client.export_template(template, path, version=number, progress=bar)
        finally:
            bar.close()
    text = f"{path}: version {found['version']}, {human(found['bytes'])}"
    print_done(params, "export", found, text)
