"""`guestwright payload inspect`: what is on a medium."""

from __future__ import annotations

from typing import Any

import click

_EPILOG = """\b
Examples:
  guestwright payload inspect web1.iso
  guestwright payload inspect --json web1.iso | jq -r '.files[].path'"""


@click.command("inspect", epilog=_EPILOG, short_help="Show what is on a medium.")
@click.argument("image")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def inspect(**params: Any) -> None:
    """Show the format, label, form and files of IMAGE, a CD or FAT volume; no contents."""
    from guestwright.base.printable import printable
    from guestwright.cli.output import print_json, say
    from guestwright.cli.payload.medium import checked_files, opened_medium
    from guestwright.media.image import FoundKind
    from guestwright.media.payload import form_of

    with opened_medium(params["image"]) as medium:
        found = checked_files(medium)
        files = frozenset(one.path for one in found if one.kind is FoundKind.FILE)
        form = form_of(medium.label, files)
        if not params["as_json"]:
            say(f"{medium.format}, label '{printable(medium.label)}', {form}, {medium.image.size} bytes")
            for one in found:
                end = "/" if one.kind is FoundKind.FOLDER else ""
                say(f"{one.size:>12}  {printable(one.path)}{end}")
            return
        rows = [{"path": printable(one.path), "kind": str(one.kind), "size": one.size} for one in found]
        about = {"format": medium.format, "label": printable(medium.label), "form": str(form)}
        print_json({"kind": "guestwright.payload.medium", "schema": 1, **about, "files": rows})
