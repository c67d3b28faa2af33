"""`guestwright store serve`: be a xenstored."""

from __future__ import annotations

import os
import sys

import click

from guestwright.base.errors import UsageError
from guestwright.cli.output import print_json, say
from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.wire import DOMID_FIRST_RESERVED
from guestwright.xenstore.server.daemon import SOCKET
from guestwright.xenstore.server.daemon import serve as run
from guestwright.xenstore.server.loop import BACKLOG_MAX, Server

_DIRECTORY = "/run/guestwright/xenstore"
_EPILOG = """\b
Examples:
  guestwright store serve
  guestwright store serve --directory /tmp/store --journal &
  XENSTORED_PATH=/tmp/store/socket xenstore-ls
  guestwright store serve --guest 5=/run/vm5.port

\b
Ends on SIGTERM and SIGINT with status 0 after saving its state, which the next
one in the same directory takes up."""


@click.command(epilog=_EPILOG, short_help="Be a xenstored.")
@click.option(
    "--directory",
    metavar="DIR",
    default=_DIRECTORY,
    show_default=True,
    help="Of the socket and the saved state; one that does not outlive a reboot.",
)
@click.option("--journal", is_flag=True, help="Lose nothing that was acknowledged even when killed.")
@click.option(
    "--xen",
    type=click.Choice(["4.17", "4.22"]),
    default="4.17",
    show_default=True,
    help="Offer what xenstored of this version of Xen offers.",
)
@click.option("--snapshot", is_flag=True, help="Transactions see the store as it was when they began.")
@click.option(
    "--guest",
    "guests",
    multiple=True,
    metavar="DOMID=PATH",
    help="Make a socket whose newest client is this domain, for QEMU's virtio-serial port. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Say that it is ready as JSON.")
def serve(
    *, directory: str, journal: bool, xen: str, snapshot: bool, guests: tuple[str, ...], as_json: bool
) -> None:
    """Serve a store on a unix socket, for Xen's tools, `guestwright store` and the host service."""
    newer = xen != "4.17"
    options = Options(
        features=newer, quotas=newer, watch_depth=newer, any_domain=newer,
        snapshot=snapshot, backlog_max=BACKLOG_MAX,
    )  # fmt: skip
    socket = os.path.join(directory, SOCKET)

    ports = [_port(one) for one in guests]

    def started(server: Server) -> None:
        for domid, path in ports:
            server.listen(path, domid=domid)
        if as_json:
            print_json({"kind": "guestwright.store.serving", "schema": 1, "socket": socket})
        else:
            say(f"serving at {socket}")
        sys.stdout.flush()

    run(directory, journal=journal, options=options, started=started)


def _port(text: str) -> tuple[int, str]:
    domid, equals, path = text.partition("=")
    if not equals or not path or not domid.isdecimal() or not 0 < int(domid) < DOMID_FIRST_RESERVED:
        raise UsageError(
            problem=f"--guest '{text}' is not a domain from 1 to {DOMID_FIRST_RESERVED - 1}, =, and a path"
        )
    return int(domid), path
