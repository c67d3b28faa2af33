"""`guestwright host migrate`: move a running domain to another host, or call that off."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

import click

from guestwright.base.errors import UsageError
from guestwright.cli.host.options import EXITS, connect, service_options
from guestwright.cli.host.volume.parts import ended, tell

if TYPE_CHECKING:
    from guestwright.host.client.client import HostClient

_EPILOG: Final = f"""\b
Examples:
  guestwright host migrate web1 qemu+tls://host8.lan/system --to-tls host8.lan
  guestwright host migrate web1 qemu+ssh://host8.lan/system --no-wait --json
  guestwright host migrate web1 --cancel

\b
TARGET is the hypervisor there as this host's libvirt reaches it. Disks have the same
paths on both. Payloads go with the domain when --to-tls or --to-socket says where the
service of that host is; a domain that has some does not go without. Ctrl-C, or
--cancel from elsewhere, calls the move off: the domain then runs on where it is.

{EXITS}"""


@click.command(epilog=_EPILOG, short_help="Move a running domain to another host.")
@click.argument("name")
@click.argument("target", required=False)
@click.option("--to-tls", metavar="HOST[:PORT]", help="Service of the host that it goes to.")
@click.option("--to-socket", metavar="PATH", help="The same, by its unix socket.")
@click.option("--data", default="", metavar="URI", help="Where memory is sent.  [default: libvirt chooses]")
@click.option("--offline", is_flag=True, help="The guest stands still meanwhile.")
@click.option("--memory-tls", is_flag=True, help="Memory is sent over TLS, with the daemons' certificates.")
@click.option("--unsafe", is_flag=True, help="Although a disk may be cached on this side.")
@click.option(
    "--bandwidth",
    type=click.IntRange(0, 1 << 20),
    default=0,
    metavar="MIB",
    help="Memory sent a second at most.  [default: libvirt chooses]",
)
@click.option("--cancel", is_flag=True, help="Call the move that is under way off.")
@click.option("--no-wait", is_flag=True, help="Only begin it; `host job ID` tells how it goes.")
@service_options
def migrate(name: str, target: str | None, *, cancel: bool, no_wait: bool, **params: Any) -> None:
    """Move the domain NAME (or uuid) to the hypervisor at TARGET, and wait until it has arrived."""
    if cancel == bool(target):
        raise click.BadParameter("say either TARGET or --cancel")
    with connect(params) as client:
        uuid = client.find(name)["domain"]["uuid"]
        if cancel:
            job, here = _called_off(client, name, uuid)
            tell(params, job, f"{name} runs on where it is" if here else f"{name} had moved already")
            return
        job = _moved(client, uuid, str(target), params, no_wait)
        if not no_wait:
            job = ended(client, job)
    tell(params, job, f"job {job['id']}" if no_wait else f"{name} is at {target}")


def _moved(
    client: HostClient, uuid: str, target: str, params: dict[str, Any], no_wait: bool
) -> dict[str, Any]:
    from guestwright.host.client.moving import begin
    from guestwright.host.client.moving import migrate as move

    how = {
        "data": params["data"],
        "live": not params["offline"],
        "tls": params["memory_tls"],
        "unsafe": params["unsafe"],
        "bandwidth": params["bandwidth"],
    }
    there = {"socket": params["to_socket"], "tls": params["to_tls"], "identity": params["identity"]}
    known = bool(there["socket"] or there["tls"])
    if known and no_wait:
        raise UsageError(problem="--no-wait hands no payloads over: leave --to-tls and --to-socket out")
    if not known and client.get(f"/v1/domains/{uuid}/payloads")["payloads"]:
        raise UsageError(problem="the domain has a payload: --to-tls or --to-socket says where that goes")
    if no_wait:
        return begin(client, uuid, target, **how)
    with connect(there) if known else nullcontext() as destination:
        return move(client, destination, uuid, target, **how)


def _called_off(client: HostClient, name: str, uuid: str) -> tuple[dict[str, Any], bool]:
    """The job, which whoever began it collects, and whether the domain is still here."""
    from guestwright.host.client.moving import called_off, end_of, under_way

    job = under_way(client, uuid)
    if job is None:
        raise UsageError(problem=f"no move of {name} is under way")
    job = end_of(client, called_off(client, job))
    return job, any(one["domain"]["uuid"] == uuid for one in client.domains())
