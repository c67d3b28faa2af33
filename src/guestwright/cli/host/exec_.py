"""`guestwright host exec`: a program in a guest, followed while it runs, with its exit status."""

from __future__ import annotations

import base64
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

import click

from guestwright.cli.host.options import EXITS, address_of, connect, service_options
from guestwright.cli.output import print_json
from guestwright.cli.program import show, status_of, variable

if TYPE_CHECKING:
    from guestwright.host.client.execution import Execution

_EPILOG: Final = f"""\b
Examples:
  guestwright host exec web1 -- /bin/uname -a
  guestwright host exec web1 --stdin -- /bin/tar -x -C /srv < srv.tar
  guestwright host exec web1 --timeout 30 --json -- /usr/bin/id
  guestwright host exec web1 --service -- backup-now

\b
Output comes as the program writes it; Ctrl-C ends the program. The exit code is the
program's, or 128 and the signal that ended it. On a terminal, control characters of
its output are shown, not obeyed, unless --raw is given. It must be allowed by the
host (`[allow]` in its settings) and by the guest's owner.

{EXITS}"""
_PIECE: Final = 1 << 18
_DAY: Final = 86400
_INTERRUPTED: Final = 130


@click.command("exec", epilog=_EPILOG, short_help="Run a program in a guest.")
@click.argument("name")
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- PROGRAM [ARG]...")
@click.option("--stdin", "with_input", is_flag=True, help="Give it our standard input.")
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, _DAY),
    default=3600.0,
    show_default=True,
    metavar="SECONDS",
    help="End it then.",
)
@click.option("--user", default="", metavar="NAME", help="Run it as this user of the guest.")
@click.option("--directory", default="", metavar="DIR", help="Run it there.")
@click.option("--env", "variables", multiple=True, metavar="NAME=VALUE", help="A variable; repeat.")
@click.option("--service", is_flag=True, help="PROGRAM is the name of a service of the guest's owner.")
@click.option("--raw", is_flag=True, help="Write its output as it is, also to a terminal.")
@service_options
def exec_(name: str, *, argv: tuple[str, ...], with_input: bool, raw: bool, **params: Any) -> int:
    """Run PROGRAM, an absolute path, in the guest of the domain NAME (or uuid), and follow it to its end."""
    from guestwright.host.client.execution import Execution

    environment = dict(variable(one) for one in params["variables"])
    with connect(params) as client:
        uuid = client.find(name)["domain"]["uuid"]
    more = {one: params[one] for one in ("directory", "user", "service")}
    written = {"out": bytearray(), "err": bytearray()}
    streams = {"out": sys.stdout.buffer, "err": sys.stderr.buffer}
    plain = {one: raw or not stream.isatty() for one, stream in streams.items()}
    limits = {"seconds": params["timeout"]}
    try:
        with Execution(address_of(params), uuid, argv, environment=environment, **limits, **more) as run:
            threading.Thread(target=_feed, args=(run,), kwargs={"ours": with_input}, daemon=True).start()
            for stream, data in run:
                if params["as_json"]:
                    written[stream] += data
                else:
                    show(streams[stream], data, raw=plain[stream])
            ended = run.ended or {}
    except KeyboardInterrupt:
        return _INTERRUPTED
    how, status, signal = (ended.get(one) for one in ("how", "status", "signal"))
    if params["as_json"]:
        told = {one: base64.b64encode(data).decode() for one, data in written.items()}
        body = {"how": how, "status": status, "signal": signal, **told}
        print_json({"kind": "guestwright.exec", "schema": 1, "exec": body})
    return status_of(str(how), status, signal)


def _feed(run: Execution, *, ours: bool) -> None:
    """Give the program its input, on a thread of its own; it may end, or close it, at any time."""
    from guestwright.host.client.errors import ClientError

    try:
        while ours and (data := os.read(sys.stdin.fileno(), _PIECE)):
            run.send(data)
        run.finish()
    except (ClientError, OSError):
        return  # it wants no more, or the line broke: who reads its output hears of that
