"""The `host payload` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.host.payload"
_COMMANDS: Final = {
    "give": (f"{_HERE}.give", "give", "Give a domain a payload."),
    "list": (f"{_HERE}.list_", "list_", "Payloads of a domain, and how far they are."),
    "remove": (f"{_HERE}.remove", "remove", "Take a payload away, and destroy it."),
}


@click.group(cls=LazyGroup, table=_COMMANDS, short_help="Payloads of domains: give, list, remove.")
def payload() -> None:
    """What a domain finds on a CD or floppy: its answer file, cloud-init seed or files.

    The host keeps it encrypted, has it in memory only while the domain runs, and puts a twin without the
    secrets in its place once the guest needs them no more.
    """
