"""The `host enrol` group."""

from __future__ import annotations

from typing import Final

import click

from guestwright.cli.lazy import LazyGroup

_HERE: Final = "guestwright.cli.host.enrol"
_COMMANDS: Final = {
    "init": (f"{_HERE}.init", "init", "Make the authority of this host."),
    "server": (f"{_HERE}.server", "server", "A certificate for the service."),
    "client": (f"{_HERE}.client", "client", "A certificate for a caller."),
    "renew": (f"{_HERE}.renew", "renew", "Another certificate for a caller."),
    "revoke": (f"{_HERE}.revoke", "revoke", "Let certificates count no more."),
    "list": (f"{_HERE}.list_", "list_", "What was issued."),
}

_EPILOG = """\b
Examples:
  guestwright host enrol init
  guestwright host enrol server host7.lan 192.0.2.7
  guestwright host enrol client ann --role operator --out ann-identity

\b
Roles: viewer reads; operator changes power, media, jobs, volumes; admin also runs
commands in guests and reads their files. Certificates of callers are good for 30
days and that of the service for 90, which it renews itself in the last 30."""


@click.group(
    cls=LazyGroup, table=_COMMANDS, epilog=_EPILOG, short_help="Certificates for the service and its callers."
)
def enrol() -> None:
    """Decide who may use the service over the network: a small certificate authority of this host's own."""
