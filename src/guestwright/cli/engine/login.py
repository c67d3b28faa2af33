"""`guestwright login`: have a token for an engine, and keep it."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.base.errors import UsageError
from guestwright.cli.engine.options import EXITS
from guestwright.cli.engine.passwords import asked_password, password_options, read_secret
from guestwright.cli.engine.shown import print_done

_EPILOG: Final = f"""\b
Examples:
  guestwright login https://engine.lan:8420 --name ann --ca authority.pem
  guestwright login http://localhost:8420 --name ann --password-file pw
  guestwright login https://engine.lan:8420 --token-file token --fingerprint 5A:1C:…
  guestwright login https://a.lan:8420 --also https://b.lan:8420 --ca both.pem

\b
The token is kept for you alone in ~/.config/guestwright/engines. --ca takes the
certificate of who signed the engine's; --fingerprint is the SHA-256 of its own.
Of several engines on one database commands ask the one that can be reached.

{EXITS}"""


@click.command("login", epilog=_EPILOG, short_help="Log in at an engine.")
@click.argument("url")
@click.option("--also", multiple=True, metavar="URL", help="Another engine on the same database; repeat.")
@click.option("--name", metavar="USER", help="Who you are; else it is asked for.")
@click.option("--token-file", metavar="FILE", help="Keep the token in this file, - for standard input.")
@click.option("--ca", default="", metavar="FILE", help="Certificates of who signed the engine's.")
@click.option("--fingerprint", default="", metavar="SHA256", help="Of the engine's certificate.")
@password_options
@click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
def login(
    url: str,
    *,
    also: tuple[str, ...],
    name: str | None,
    token_file: str | None,
    ca: str,
    fingerprint: str,
    **params: Any,
) -> None:
    """Log in at the engine at URL; commands ask it from now on."""
    from guestwright.base.secret import Secret
    from guestwright.client.address import server
    from guestwright.client.calls import accounts
    from guestwright.client.client import Client
    from guestwright.client.logins import Login, Logins

    engine = server(url, ca=ca, fingerprint=fingerprint)
    others = tuple(server(one, ca=ca) for one in also)
    if others and fingerprint:
        raise UsageError(problem="--fingerprint is of one engine; with --also give --ca, a file for all")
    if token_file is not None and (name or params["password_file"] or params["password_fd"] is not None):
        raise UsageError(problem="--token-file needs neither name nor password")
    expires = 0.0
    if token_file is not None:
        token = read_secret(token_file)
    else:
        name = name or click.prompt("User", err=True)
        secret = asked_password(params, f"Password of {name}")
        with Client(engine, others=others) as client:
            found = client.do(accounts.login(str(name), secret))
        token, expires = Secret(str(found["token"])), float(found.get("expires") or 0.0)
    with Client(engine, token, others=others) as client:
        me = client.do(accounts.whoami())
    user = str(me.get("name", ""))
    made = Login(server=engine, token=token, name=user, expires=expires, others=others)
    path = Logins().keep(made)
    also_ = [str(one) for one in others]
    shown = {"server": str(engine), "others": also_, "file": path, "expires": expires, **me}
    print_done(params, "login", shown, f"{me.get('name')} ({me.get('role')}) is logged in at {engine}")
