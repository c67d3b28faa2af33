"""`guestwright payload build`: check inputs, write a medium."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.payload.inputs import input_options, payload_from

_EPILOG = """\b
Examples:
  guestwright payload build --unattend unattend.xml --output web1.iso
  guestwright payload build --user-data ud.yaml --instance-id i-1 --hostname web1 --output web1.iso
  guestwright payload build --config-drive drive/ --output web1.iso
  guestwright payload build --file scripts/a.sh=a.sh --media floppy --output web1.img
  guestwright payload build --ignition a.ign --media fw_cfg --output vm.ign
  guestwright payload build --file a.txt=a.txt --policy ovirt --owner vdsm:qemu --output vm.img

\b
The medium has mode 0600 before it has content, and is there whole or not at all.
Equal inputs give equal bytes; SOURCE_DATE_EPOCH sets the time of the files."""


@click.command(epilog=_EPILOG, short_help="Check inputs and write a CD, floppy or disk.")
@click.option("--output", required=True, metavar="OUT", help="Image to write; - for standard output.")
@click.option(
    "--media",
    type=click.Choice(["cdrom", "floppy", "disk", "fw_cfg"]),
    default="cdrom",
    show_default=True,
    help="A CD, a 1.44 MB floppy, a FAT disk as large as its contents, or QEMU's fw_cfg (for --ignition).",
)
@click.option("--replace", is_flag=True, help="Take the place of a file that is there.")
@click.option("--owner", metavar="USER[:GROUP]", help="Whom the image belongs to, before it has content.")
@input_options
def build(**params: Any) -> None:
    """Check what a guest is to be given and write it on a medium."""
    from guestwright.base.errors import UsageError
    from guestwright.cli.payload.written import write_payload
    from guestwright.media.write import MediaKind

    bare = params["media"] == "fw_cfg"
    if bare and not params["ignition"]:
        raise UsageError(problem="--media fw_cfg goes with --ignition only")
    write_payload(payload_from(params), None if bare else MediaKind(params["media"]), params)
