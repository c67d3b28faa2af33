"""`guestwright guest exec`: a program in a guest, with its exit status."""

from __future__ import annotations

import base64
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.output import print_json
from guestwright.cli.program import show, standard_input, status_of, variable

if TYPE_CHECKING:
    from guestwright.client.calls.guests import Ran

_EPILOG: Final = f"""\b
Examples:
  guestwright guest exec web-1 -- /bin/uname -a
  guestwright guest exec web-1 --stdin --timeout 30 -- /bin/sh -s < script.sh
  guestwright guest exec web-1 --user www --env LANG=C --json -- /usr/bin/id

\b
The exit code is the program's, or 128 and the signal that ended it. On a terminal,
control characters of its output are shown, not obeyed, unless --raw is given.

{EXITS}"""


@click.command("exec", epilog=_EPILOG, short_help="Run a program in a guest.")
@click.argument("name", metavar="VM")
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- PROGRAM [ARG]...")
@click.option("--stdin", "with_input", is_flag=True, help="Give it our standard input.")
@click.option(
    "--timeout", type=click.FloatRange(0.1, 600), metavar="SECONDS", help="End it then.  [default: 60]"
)
@click.option("--user", default="", metavar="NAME", help="Run it as this user of the guest.")
@click.option("--directory", default="", metavar="DIR", help="Run it there.")
@click.option("--env", "variables", multiple=True, metavar="NAME=VALUE", help="A variable; repeat.")
@click.option("--raw", is_flag=True, help="Write its output as it is, also to a terminal.")
@engine_options
def exec_(name: str, *, argv: tuple[str, ...], with_input: bool, raw: bool, **params: Any) -> int:
    """Run PROGRAM, an absolute path, in the guest of the machine VM, and wait for its end."""
    from guestwright.client.calls import guests
    from guestwright.client.kinds import VMS

    data = standard_input() if with_input else None
    environment = dict(variable(one) for one in params["variables"])
    more = {one: params[one] for one in ("directory", "user", "timeout")}
    with connect(params) as client:
        vm = client.find(VMS, name)["id"]
        ran = client.do(guests.execute(vm, argv, stdin=data, environment=environment, **more))
    if params["as_json"]:
        print_json({"kind": "guestwright.exec", "schema": 1, "exec": _document(ran)})
    else:
        show(sys.stdout.buffer, ran.out, raw=raw or not sys.stdout.isatty())
        show(sys.stderr.buffer, ran.err, raw=raw or not sys.stderr.isatty())
    return status_of(ran.how, ran.status, ran.signal)


def _document(ran: Ran) -> dict[str, Any]:
    out, err = (base64.b64encode(one).decode() for one in (ran.out, ran.err))
    return {"how": ran.how, "status": ran.status, "signal": ran.signal, "out": out, "err": err}
