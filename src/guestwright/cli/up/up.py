"""`guestwright up`: the engine and the host service of this machine, in one command."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from guestwright.cli.output import print_json, say, warn

if TYPE_CHECKING:
    from guestwright.engine.process.up import Running

_EPILOG = """\b
Examples:
  guestwright up
  guestwright up --hypervisor fake --directory ~/try      to look around without a hypervisor
  guestwright up --hypervisor embed                        QEMU without libvirt's daemon
  guestwright up --no-host --listen 0.0.0.0:8420           the engine alone, for several hosts

\b
The first run makes keys, an administrator and a token, and says what to do next. Ends on
SIGTERM and SIGINT; machines run on, and the next run goes on where this one was, also after a
kill. The settings are in docs/engine.md."""


@click.command(epilog=_EPILOG, short_help="Run the engine, and this machine as its host.")
@click.option(
    "--config",
    metavar="FILE",
    help="Settings, TOML.  [default: /etc/guestwright/engine.toml, if it is there]",
)
@click.option("--directory", metavar="DIR", help="Where the engine keeps its own.")
@click.option("--database", metavar="URL", help="In place of SQLite: postgresql+psycopg://USER@HOST/NAME.")
@click.option("--listen", metavar="ADDRESS:PORT", help="Where its interface is.  [default: 127.0.0.1:8420]")
@click.option(
    "--tls",
    type=click.Choice(["auto", "on", "off"]),
    help="auto: unless the address is this machine's own.  [default: auto]",
)
@click.option(
    "--hypervisor",
    metavar="URI",
    help='Of this machine; "embed" for QEMU without a daemon, "fake" for one that runs nothing.  '
    "[default: that of the last run, at first qemu:///system]",
)
@click.option(
    "--emulate", is_flag=True, help="At the first run: make machines without KVM, though there is one."
)
@click.option("--no-host", is_flag=True, help="Only the engine: this machine is none of its hosts.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="warning",
    show_default=True,
    help="What is told on standard error.",
)
@click.option("--json", "as_json", is_flag=True, help="Say what runs as JSON on standard output.")
def up(
    *,
    config: str | None,
    directory: str | None,
    database: str | None,
    listen: str | None,
    tls: str | None,
    hypervisor: str | None,
    emulate: bool,
    no_host: bool,
    log_level: str,
    as_json: bool,
) -> None:
    """Run the engine with its interface and a status page, and the host service of this machine."""
    from guestwright.cli.up.where import absolute
    from guestwright.engine.process.settings import load
    from guestwright.engine.process.up import run
    from guestwright.host.service.logs import set_up

    settings = load(
        config,
        directory=absolute(directory),
        database=database,
        listen=listen,
        tls=tls,
        log_level=log_level,
        log_format=None if config else "text",
    )
    set_up(settings.log_level, settings.log_format)
    run(
        settings,
        with_host=not no_host,
        hypervisor=hypervisor or "",
        emulate=emulate,
        started=_tell_json if as_json else _tell,
    )


def _tell_json(running: Running) -> None:
    begun = running.begun
    shown = {
        "kind": "guestwright.engine.up",
        "schema": 1,
        "url": running.url,
        "authority": running.authority,
        "host": running.host,
        "hypervisor": running.hypervisor,
        "token_file": running.token_file if begun is not None else "",
        "login": _log_in(running),
    }
    if begun is not None and begun.password is not None:
        shown |= {"user": begun.name, "password": begun.password.reveal(), "token": begun.token.reveal()}
    print_json(shown)
    sys.stdout.flush()


def _tell(running: Running) -> None:
    login, begun = _log_in(running), running.begun
    say(f"The engine answers at {running.url} after {running.seconds:.1f} s.")
    if running.host:
        say(f"This machine is its host {running.host}, with {running.hypervisor}.")
    if begun is not None and begun.password is not None:
        say()
        say("This was the first run. Shown only now:")
        say(f"  administrator  {begun.name}")
        say(f"  password       {begun.password.reveal()}")
        say(f"  token          {begun.token.reveal()}")
        say(f"The token is in {running.token_file}, too, which only you can read.")
    if begun is not None and begun.password is not None:
        say()
        say("What to do next, in another terminal:")
        if login:
            say("  guestwright host list                 this machine, and what is on it")
            say("  guestwright vm list                   its machines, with what their guests say")
        say(f"  {running.url}/  in a browser, with the token")
    sys.stdout.flush()


def _log_in(running: Running) -> bool:
    """Have the command line of this user know the engine, unless it knows another one; whether it does."""
    from guestwright.base.errors import GuestwrightError
    from guestwright.client.address import server
    from guestwright.client.logins import Login, Logins

    if running.begun is None:
        return False
    url = running.url.replace("://0.0.0.0:", "://localhost:").replace("://[::]:", "://localhost:")
    try:
        here = server(url, ca=running.authority)
        logins = Logins()
        present = logins.current()
        ours = present is None or str(present.server) == str(here)
        logins.keep(Login(server=here, token=running.begun.token, name=running.begun.name), current=ours)
    except GuestwrightError as error:
        warn(f"guestwright: the command line does not know the engine: {error.message}")
        return False
    return ours
