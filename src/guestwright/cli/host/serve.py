"""`guestwright host serve`: be the service of a hypervisor host."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from guestwright.base.record import replace
from guestwright.cli.output import print_json, say

if TYPE_CHECKING:
    from guestwright.host.service.service import Service

_EPILOG = """\b
Examples:
  guestwright host serve
  guestwright host serve --check --config /etc/guestwright/host.toml
  guestwright host serve --hypervisor xen:/// --log-format text

\b
Ends on SIGTERM and SIGINT with status 0; domains and guests run on, and the next
one takes them up. The settings are in docs/host.md."""


@click.command(epilog=_EPILOG, short_help="Be the service of this hypervisor host.")
@click.option(
    "--config",
    metavar="FILE",
    help="Settings, TOML.  [default: /etc/guestwright/host.toml, if it is there]",
)
@click.option("--hypervisor", metavar="URI", help="In place of the one in the settings.")
@click.option("--state", metavar="DIR", help="Directory of what outlives a reboot of the host.")
@click.option("--runtime", metavar="DIR", help="Directory of sockets, in memory.")
@click.option(
    "--log-format", type=click.Choice(["json", "text"]), help="One JSON object a line, or for people."
)
@click.option("--check", is_flag=True, help="Read the settings, say what is wrong, and end.")
@click.option("--json", "as_json", is_flag=True, help="Say that it is ready as JSON on standard output.")
def serve(
    *,
    config: str | None,
    hypervisor: str | None,
    state: str | None,
    runtime: str | None,
    log_format: str | None,
    check: bool,
    as_json: bool,
) -> None:
    """Know this host's domains, listen to their agents, and do what the API is asked for."""
    from guestwright.host.service.configuration import load

    options = {"uri": hypervisor, "state": state, "runtime": runtime, "log_format": log_format}
    configuration = replace(load(config), **{name: one for name, one in options.items() if one is not None})
    if check:
        from guestwright.host.process.sections import read_sections

        read_sections(configuration)
        if as_json:
            print_json({"kind": "guestwright.host.settings", "schema": 1, "usable": True})
        else:
            say("the settings can be used")
        return
    from guestwright.host.process.daemon import serve as run
    from guestwright.host.service.logs import set_up

    set_up(configuration.log_level, configuration.log_format)

    def started(service: Service) -> None:
        if as_json:
            ready = {"kind": "guestwright.host.serving", "schema": 1, "runtime": configuration.runtime}
            print_json({**ready, "domains": len(service.domains())})
            sys.stdout.flush()

    run(configuration, started=started)
