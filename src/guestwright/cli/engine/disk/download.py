"""`guestwright disk download`: a disk becomes a file."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_done
from guestwright.cli.engine.transfer_bar import TransferBar
from guestwright.cli.output import human

_EPILOG: Final = f"""\b
Examples:
  guestwright disk download web-1-vda web-1.qcow2
  guestwright disk download web-1-vda web-1.qcow2 --json

\b
The file comes as it lies in the storage domain: raw or qcow2, see the volume's format.
After a break of the line it goes on where it was. The machine must be off.

{EXITS}"""


@click.command("download", epilog=_EPILOG, short_help="Fetch a disk's file.")
@click.argument("disk")
@click.argument("file", type=click.Path(dir_okay=False, writable=True))
@engine_options
def download(disk: str, file: str, **params: Any) -> None:
    """Download DISK as FILE, which is replaced once all of it is there."""
    from guestwright.client.errors import LocalImageBad
    from guestwright.client.kinds import DISKS, VOLUMES

    bar = TransferBar()
    with connect(params) as client:
        found = client.find(DISKS, disk)
        try:
            size = client.download_disk(str(found["id"]), file, progress=bar)
        except OSError as error:
            raise LocalImageBad(path=file, problem=error.strerror or str(error)) from error
        finally:
            bar.close()
        volume = client.do(VOLUMES.show(str(found["volume_id"])))
    told = {"disk": found["id"], "file": file, "bytes": size, "format": volume["format"]}
    print_done(params, "download", told, f"{file}: {human(size)}, {volume['format']}")
