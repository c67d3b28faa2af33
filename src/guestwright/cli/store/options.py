"""What all commands of the group share: where the server is, how long to wait, JSON."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import click

from guestwright.cli.output import print_json
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.tree import Tree

Command = TypeVar("Command", bound=Callable[..., Any])
T = TypeVar("T")

TIMEOUT: Final = 30.0  # seconds

_OPTIONS = (
    click.option("--socket", "address", metavar="PATH", help="Socket or device of the server."),
    click.option(
        "--timeout", type=click.FloatRange(min=0, min_open=True), default=TIMEOUT, show_default=True,
        metavar="SECONDS", help="Longest time to wait for each answer.",
    ),
    click.option("-s", "--socket-only", is_flag=True, help="Does nothing; xenstore-* tools take it too."),
    click.option("--json", "as_json", is_flag=True, help="JSON on standard output."),
)  # fmt: skip


def server_options(command: Command) -> Command:
    """Add `--socket`, `--timeout`, `-s` and `--json`."""
    for one in reversed(_OPTIONS):
        command = one(command)
    return command


def connect(params: dict[str, Any], *, patience: float = 0.0) -> Client:
    """The client that the options ask for.

    Args:
        params: of the command.
        patience: how long to try to connect again after a loss, seconds.
    """
    return Client(params["address"], timeout=params["timeout"], patience=patience)


def together(store: Client, work: Callable[[Tree], T], *, several: bool = True) -> T:
    """Do something all or nothing, again when others interfere.

    Args:
        store: the client.
        work: what to do.
        several: whether it may take more than one change, and so needs a transaction.
    """
    return store.transact(work) if several else work(store)


def value_json(value: bytes | None) -> dict[str, Any]:
    """A value as JSON: text if it is UTF-8, else Base64."""
    try:
        return {"value": None if value is None else value.decode()}
    except UnicodeDecodeError:
        return {"value": None, "base64": base64.b64encode(value or b"").decode()}


def print_done(params: dict[str, Any], paths: Iterable[str]) -> None:
    """What a command that changes something says: nothing, or JSON."""
    if params["as_json"]:
        print_json({"kind": "guestwright.store.done", "schema": 1, "paths": list(paths)})


def put(data: bytes) -> None:
    """Bytes on standard output, as they are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
