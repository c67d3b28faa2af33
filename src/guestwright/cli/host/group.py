"""The `host` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.host"
_ENGINE: Final = "guestwright.cli.engine.host"
_COMMANDS: Final = {
    "serve": (f"{_HERE}.serve", "serve", "Be the service of this hypervisor host."),
    "about": (f"{_HERE}.about", "about", "The service, its hypervisor, and who you are to it."),
    "guests": (f"{_HERE}.guests", "guests", "All domains with what their guests say."),
    "guest": (f"{_HERE}.guest", "guest", "One domain: its guest, and what may be done."),
    "power": (f"{_HERE}.power", "power", "Start, shut down, pause a domain, and so on."),
    "migrate": (f"{_HERE}.migrate", "migrate", "Move a running domain to another host."),
    "memory": (f"{_HERE}.memory", "memory", "Ask a guest to have so much memory."),
    "medium": (f"{_HERE}.medium_group", "medium", "CD and floppy drives: insert, eject."),
    "payload": (f"{_HERE}.payload.group", "payload", "Payloads of domains: give, list, remove."),
    "sysprep": (f"{_HERE}.sysprep", "sysprep", "Generalise a guest with an answer file."),
    "exec": (f"{_HERE}.exec_", "exec_", "Run a program in a guest."),
    "file": (f"{_HERE}.inside.file_group", "file", "Files of a guest: read, write."),
    "clipboard": (f"{_HERE}.inside.clipboard_group", "clipboard", "A guest's clipboard: get, set."),
    "set": (f"{_HERE}.inside.set_group", "set_", "A guest's name, addresses and clock."),
    "events": (f"{_HERE}.events", "events", "What happens, as it happens."),
    "jobs": (f"{_HERE}.jobs", "jobs", "All jobs of a host."),
    "job": (f"{_HERE}.job", "job", "Look at a job, wait for it, cancel or collect it."),
    "volume": (f"{_HERE}.volume.group", "volume", "Volumes: list, copy, seal, upload and so on."),
    "enrol": (f"{_HERE}.enrol.group", "enrol", "Certificates for the service and its callers."),
    "add": (f"{_ENGINE}.add", "add", "Have the engine look after a host."),
    "list": (f"{_ENGINE}.list_", "list_", "Hosts that the engine looks after."),
    "show": (f"{_ENGINE}.show", "show", "One host of the engine."),
    "change": (f"{_ENGINE}.change", "change", "Change a host of the engine."),
    "remove": (f"{_ENGINE}.remove", "remove", "Have the engine forget a host."),
}


@click.group(cls=LazyGroup, table=_COMMANDS, short_help="The service of a hypervisor host.")
def host() -> None:
    """The service of a hypervisor host: its domains, their agents, and what can be done with them.

    `add`, `list`, `show`, `change` and `remove` are about the hosts of an engine, which is asked for them.
    """
