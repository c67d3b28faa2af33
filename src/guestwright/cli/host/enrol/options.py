"""What the commands of the group share: where the authority is, JSON, and how certificates are handed out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from guestwright.cli.output import print_json, say

if TYPE_CHECKING:
    from guestwright.host.enrol.authority import Authority
    from guestwright.host.enrol.certificates import Bundle, Grant

Command = TypeVar("Command", bound=Callable[..., Any])
DIRECTORY: Final = "/var/lib/guestwright/pki"
_OPTIONS: Final = (
    click.option(
        "--directory", metavar="DIR", default=DIRECTORY, show_default=True, help="Of the authority."
    ),
    click.option("--json", "as_json", is_flag=True, help="JSON on standard output."),
)


def enrol_options(command: Command) -> Command:
    """Add `--directory` and `--json`."""
    for one in reversed(_OPTIONS):
        command = one(command)
    return command


def authority_of(params: dict[str, Any]) -> Authority:
    """The authority that the options name."""
    from guestwright.host.enrol.authority import Authority

    return Authority(params["directory"])


def hand_out(bundle: Bundle, directory: str) -> None:
    """Write what a caller needs into a directory of its own, readable by nobody else.

    Args:
        bundle: what was issued.
        directory: made when it is not there; files of an earlier certificate are replaced.
    """
    from guestwright.host.enrol.files import make_private_directory, write_whole

    make_private_directory(directory)
    write_whole(os.path.join(directory, "authority.pem"), bundle.authority)
    whole = bundle.certificate + bundle.key.reveal().encode()
    write_whole(os.path.join(directory, "client.pem"), whole)


def grant_json(grant: Grant) -> dict[str, Any]:
    """A grant as JSON."""
    from guestwright.base.record import asdict

    return asdict(grant)


def print_grants(grants: Iterable[Grant], params: dict[str, Any], line: str) -> None:
    """What was done: a line for people, or JSON."""
    if params["as_json"]:
        body = [grant_json(one) for one in grants]
        print_json({"kind": "guestwright.enrol.grants", "schema": 1, "grants": body})
        return
    say(line)


def until(grant: Grant) -> str:
    """The day on which a certificate ends."""
    return time.strftime("%Y-%m-%d", time.localtime(grant.ends))
