"""The `host volume` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.host.volume"
_COMMANDS: Final = {
    "list": (f"{_HERE}.list_", "list_", "Volumes with their states."),
    "copy": (f"{_HERE}.copy", "copy", "Make a volume from another one."),
    "seal": (f"{_HERE}.seal", "seal", "Make the volumes of a machine a template."),
    "delete": (f"{_HERE}.delete", "delete", "Remove a volume."),
    "upload": (f"{_HERE}.upload", "upload", "Send a file and make it a volume."),
    "download": (f"{_HERE}.download", "download", "Fetch a volume's file."),
}

_EPILOG = """\b
Examples:
  guestwright host volume list
  guestwright host volume upload debian.qcow2 main/debian-12
  guestwright host volume seal main/debian-12
  guestwright host volume copy main/debian-12 main/web1

\b
A volume is STORAGE/NAME: the storage domain as the service's settings call it, and
the volume's name there. What takes long is a job of the service, and is waited for."""


@click.group(
    cls=LazyGroup, table=_COMMANDS, epilog=_EPILOG, short_help="Volumes: list, copy, seal, upload and so on."
)
def volume() -> None:
    """Volumes of a host's storage domains: list, copy, seal, delete, upload, download."""
