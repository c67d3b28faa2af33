"""The `payload` group."""

from __future__ import annotations

import click

from guestwright.cli.lazy import LazyGroup

_HERE = "guestwright.cli.payload"
_ENGINE = "guestwright.cli.engine.payload"
_UP = "guestwright.cli.up"
_COMMANDS = {
    "build": (f"{_HERE}.build", "build", "Check inputs and write a CD, floppy or disk."),
    "validate": (f"{_HERE}.validate", "validate", "Check inputs; say everything that is wrong."),
    "inspect": (f"{_HERE}.inspect_", "inspect", "Show what is on a medium."),
    "extract": (f"{_HERE}.extract", "extract", "Copy files from a medium."),
    "scrub": (f"{_HERE}.scrub", "scrub", "Write a medium's twin without its secrets."),
    "destroy": (f"{_HERE}.destroy", "destroy", "Overwrite a medium and remove it."),
    "store": (f"{_ENGINE}.store", "store", "Have the engine keep a payload."),
    "list": (f"{_ENGINE}.list_", "list_", "Payloads that the engine keeps."),
    "show": (f"{_ENGINE}.show", "show", "A payload that the engine keeps."),
    "contents": (f"{_ENGINE}.contents", "contents", "What is in a payload that the engine keeps."),
    "attach": (f"{_ENGINE}.attach", "attach", "Give a machine a payload."),
    "detach": (f"{_ENGINE}.detach", "detach", "Take a payload from a machine."),
    "uploads": (f"{_ENGINE}.uploads", "uploads", "Uploads of payloads that are under way."),
    "remove": (f"{_ENGINE}.remove", "remove", "Have the engine forget a payload."),
    "rotate-key": (f"{_UP}.rotate_key", "rotate_key", "Change the key that payloads are encrypted with."),
}

_EPILOG = """\b
Exit codes: 0 done, 1 failed, 2 wrong usage or bad input. A command that fails
leaves nothing behind. `-` stands for the standard streams.

\b
The first six work on files here, the others on what the engine keeps;
rotate-key is for the engine's own machine."""


@click.group(
    cls=LazyGroup, table=_COMMANDS, epilog=_EPILOG, short_help="Media that hand a guest its configuration."
)
def payload() -> None:
    """What hands a guest its configuration before it has a network: media here, objects in the engine."""
