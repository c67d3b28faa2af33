"""What all commands that talk to an engine share: which engine, as whom, and JSON."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from guestwright.client.client import Client
    from guestwright.client.logins import Login

Command = TypeVar("Command", bound=Callable[..., Any])
Json = dict[str, Any]

EXITS: Final = """\b
Exit codes: 0 done, 1 failed or refused, 2 wrong usage, 4 not supported there.
Names and ids are taken alike. The engine is that of --server, else of
$GUESTWRIGHT_SERVER, else that of the last `guestwright login`."""

_OPTIONS: Final = (
    click.option("--server", metavar="URL", help="Engine to ask, where somebody has logged in."),
    click.option("--json", "as_json", is_flag=True, help="JSON on standard output."),
)
_WAITING: Final = (
    click.option("--wait", is_flag=True, help="Until the job has ended, with a progress bar."),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        help="Wait no longer; the job goes on.  [default: for ever]",
    ),
)


def engine_options(command: Command) -> Command:
    """Add `--server` and `--json`."""
    return _with(_OPTIONS, command)


def wait_options(command: Command) -> Command:
    """Add `--wait` and `--timeout`, for what begins a job."""
    return _with(_WAITING, command)


def login_of(named: str | None) -> Login:
    """The login that is meant.

    Raises:
        NotLoggedIn: there is none. BadServer, TokenFileBad: it cannot be used.
    """
    from guestwright.client.address import server
    from guestwright.client.errors import NotLoggedIn
    from guestwright.client.logins import Logins

    named = named or os.environ.get("GUESTWRIGHT_SERVER")
    if named:
        engine = server(named)
        found = Logins().of(engine)
        if found is None:
            raise NotLoggedIn(where=f" at {engine}", url=str(engine))
        return found
    found = Logins().current()
    if found is None:
        raise NotLoggedIn(where="", url="https://ENGINE")
    return found


def connect(params: Json) -> Client:
    """The client that the options ask for."""
    from guestwright.client.client import Client

    login = login_of(params["server"])
    return Client(login.server, login.token, others=login.others)


def confirmed(question: str, *, yes: bool) -> None:
    """Ask before something is gone.

    Args:
        question: for people.
        yes: it was said beforehand.

    Raises:
        click.Abort: no.
    """
    if not yes:
        click.confirm(question, abort=True, err=True)


def _with(options: Sequence[Callable[[Command], Command]], command: Command) -> Command:
    for one in reversed(options):
        command = one(command)
    return command
