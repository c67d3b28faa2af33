"""`guestwright host payload give`: a domain finds a payload in a drive."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import click

from guestwright.cli.host.options import EXITS, connect, place_options
from guestwright.cli.host.payload.parts import persistence, run_once_option
from guestwright.cli.output import print_json, say
from guestwright.cli.payload.inputs import input_options

if TYPE_CHECKING:
    from guestwright.media.sources.model import Payload

_EPILOG: Final = f"""\b
Examples:
  guestwright host payload give web1 --user-data ud.yaml --instance-id i-1
  guestwright host payload give win1 --unattend unattend.xml --run-once
  guestwright host payload give old1 --file answers.txt=a.txt --floppy --json

\b
The inputs are checked here as `payload build` checks them. From the domain's next
start on there is a drive with them, if need be a new one.

{EXITS}"""
_MAX: Final = 32 << 20  # bytes of all files: what the service takes


@click.command("give", epilog=_EPILOG, short_help="Give a domain a payload.")
@click.argument("name")
@run_once_option
@click.option("--floppy", is_flag=True, help="On a floppy, not a CD.")
@place_options
@input_options
def give(name: str, *, run_once: bool, floppy: bool, **params: Any) -> None:
    """Have the domain NAME find what the options name in a drive, from its next start on."""
    from guestwright.cli.payload.inputs import payload_from
    from guestwright.cli.payload.written import tell_warnings

    made = payload_from(params)
    body = {
        **_body(made, native=params["volume_id"] is None and not params["unknown_components"]),
        "wanted": "floppy" if floppy else "cd",
    }
    with connect(params) as client:
        uuid = client.find(name)["domain"]["uuid"]
        found = client.ask("PUT", f"/v1/domains/{uuid}/payloads/{persistence(run_once)}", body)
    tell_warnings(made.warnings)
    if params["as_json"]:
        print_json({"kind": "guestwright.host.payload", "schema": 1, "payload": found})
        return
    say(f"{name} gets it at {'its next start only' if run_once else 'every start from the next one on'}")


def _body(made: Payload, *, native: bool) -> dict[str, Any]:
    """What the service is sent; plain files where it would make another medium of them."""
    from guestwright.cli.payload.contents import contents_of
    from guestwright.host.media.model import default_scrub
    from guestwright.media.sources.model import Form

    contents = contents_of(made, _MAX, _MAX)
    files = {name: base64.b64encode(data).decode() for name, data in contents.items()}
    if native and made.form in (Form.NOCLOUD, Form.CONFIGDRIVE, Form.UNATTEND):
        return {"form": made.form, "files": files}
    return {"form": Form.FILES, "files": files, "label": made.label, "scrub": default_scrub(made.form)}
