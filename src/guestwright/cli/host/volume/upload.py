"""`guestwright host volume upload`: a file becomes a volume."""

from __future__ import annotations

import os
from typing import Any, Final

import click

from guestwright.cli.host.options import EXITS, address_of, connect, service_options
from guestwright.cli.host.volume.parts import ended, name_of, tell

_EPILOG = f"""\b
Examples:
  guestwright host volume upload debian.qcow2 main/debian-12
  guestwright host volume upload disk.img main/data --format raw
  guestwright host volume upload disk.img main/data --ticket f3b1c6

\b
What has arrived is kept: the same command with the same --ticket goes on after an
interruption; lost connections are made anew by themselves.

{EXITS}"""
_MAGIC: Final = b"QFI\xfb"  # QEMU, docs/interop/qcow2.txt: the header's first bytes; its size is at byte 24
_SECTOR: Final = 512


@click.command(epilog=_EPILOG, short_help="Send a file and make it a volume.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True))
@click.argument("name", callback=name_of, metavar="VOLUME")
@click.option(
    "--format", "format_", type=click.Choice(["raw", "qcow2"]), help="Of the file.  [default: what it is]"
)
@click.option("--ticket", default="", help="Names the upload, to go on with it later.")
@service_options
def upload(file: str, name: tuple[str, str], *, format_: str | None, ticket: str, **params: Any) -> None:
    """Upload FILE (raw or qcow2) as the new volume VOLUME, STORAGE/NAME."""
    from guestwright.host.client.transfers import upload as send

    found, size = _looked_at(file, format_)
    job = send(address_of(params), *name, file, format=found, size=size, ticket=ticket)
    with connect(params) as client:
        job = ended(client, job)
    tell(params, job, f"{'/'.join(name)} is there")


def _looked_at(path: str, wanted: str | None) -> tuple[str, int]:
    """Format of a file, and bytes of the disk in it."""
    with open(path, "rb") as file:
        head = file.read(32)
        size = os.fstat(file.fileno()).st_size
    is_qcow2 = head.startswith(_MAGIC) and len(head) == 32
    if wanted == "qcow2" and not is_qcow2:
        raise click.BadParameter(f"{path} is no qcow2 file")
    if is_qcow2 and wanted != "raw":
        return "qcow2", int.from_bytes(head[24:32], "big")
    if size % _SECTOR:
        raise click.BadParameter(f"{path} has {size} bytes, which are no whole sectors of {_SECTOR}")
    return "raw", size
