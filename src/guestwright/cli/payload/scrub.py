"""`guestwright payload scrub`: a medium's twin without its secrets."""

from __future__ import annotations

from typing import Any

import click

_EPILOG = """\b
Examples:
  guestwright payload scrub web1.iso --output web1-scrubbed.iso

\b
The twin has the same label and instance-id, so that a guest that has consumed
the medium takes the twin for the same one and does nothing again."""


@click.command(epilog=_EPILOG, short_help="Write a medium's twin without its secrets.")
@click.argument("image")
@click.option("--output", required=True, metavar="OUT", help="Image to write; - for standard output.")
@click.option("--replace", is_flag=True, help="Take the place of a file that is there.")
@click.option("--owner", metavar="USER[:GROUP]", help="Whom the image belongs to, before it has content.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def scrub(**params: Any) -> None:
    """Write a twin of IMAGE of the same kind, without passwords, keys and commands."""
    from guestwright.cli.payload.medium import all_contents, opened_medium
    from guestwright.cli.payload.written import write_payload
    from guestwright.media.fat_geometry import FLOPPY_SIZE
    from guestwright.media.payload import payload_of
    from guestwright.media.payload import scrub as twin
    from guestwright.media.write import MediaKind

    with opened_medium(params["image"]) as medium:
        made = payload_of(medium.label, all_contents(medium))
        fat = MediaKind.FLOPPY if medium.image.size == FLOPPY_SIZE else MediaKind.DISK
        kind = MediaKind.CDROM if medium.format.startswith("ISO") else fat
    write_payload(twin(made), kind, params)
