"""The options that `seal plan`, `seal run` and `seal verify` share, and how they become a request."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

from guestwright.base.errors import UsageError
from guestwright.guestfs.open_machine import DRIVERS, OpenOptions
from guestwright.seal.registry import check_options, select
from guestwright.seal.request import Request

_NEVER_SATISFIED = frozenset({"customize", "script"})
Command = TypeVar("Command", bound=Callable[..., Any])

_IMAGE_OPTIONS = (
    click.argument("images", nargs=-1, required=True, metavar="IMAGE..."),
    click.option(
        "--format", "format_", metavar="FORMAT", default="",
        help="raw, qcow2, vmdk, vdi, vhdx or vpc; needed unless the name ends in .raw, .img or .qcow2. "
             "Never guessed.",
    ),
    click.option("--allow-backing", is_flag=True, help="Follow backing and external data files."),
    click.option("--allow-snapshots", is_flag=True, help="Accept snapshots, which keep what is erased."),
    click.option(
        "--driver", type=click.Choice(DRIVERS), default="auto", show_default=True,
        help="How to reach the files: ext needs no virtual machine, appliance uses libguestfs.",
    ),
    click.option("--root", default="", metavar="FILESYSTEM", help="Which one of several systems: disk0/p2."),
    click.option(
        "--allow-missing-mounts", is_flag=True,
        help="Go on although fstab names a filesystem that is on none of the disks.",
    ),
)  # fmt: skip

_SELECTION_OPTIONS = (
    click.option("--enable", metavar="NAMES", help="Exactly these operations, comma-separated."),
    click.option("--disable", metavar="NAMES", multiple=True, help="All defaults but these."),
    click.option(
        "--operations", metavar="LIST", multiple=True,
        help="From nothing, left to right: names, -names, defaults, -defaults, all, -all.",
    ),
    click.option(
        "--machine-id", type=click.Choice(["empty", "uninitialized"]), default="empty", show_default=True,
        help="How /etc/machine-id ends; uninitialized makes systemd run its first-boot units.",
    ),
    click.option("--remove-user-accounts", metavar="NAMES", multiple=True, help="For user-account."),
    click.option("--keep-user-accounts", metavar="NAMES", multiple=True, help="For user-account."),
    click.option(
        "--script", "scripts", metavar="CMD", multiple=True,
        help="Run a command on this host over the guest's files (appliance driver).",
    ),
    click.option("--scriptdir", metavar="DIR", default="", help="Where --script finds the guest's files."),
)  # fmt: skip

_OUTPUT_OPTIONS = (
    click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output."),
    click.option("--quiet", "-q", is_flag=True, help="No progress bar, no chatter."),
)


def _stack(options: tuple[Callable[[Any], Any], ...]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


image_options = _stack(_IMAGE_OPTIONS)
selection_options = _stack(_SELECTION_OPTIONS)
output_options = _stack(_OUTPUT_OPTIONS)


def open_options(params: dict[str, Any], *, writable: bool) -> OpenOptions:
    """How to open the images, from the parsed command line."""
    return OpenOptions(
        format=params["format_"],
        writable=writable,
        allow_backing=params["allow_backing"],
        allow_snapshots=params["allow_snapshots"],
        driver=params["driver"],
        now=clock(),
    )


def clock() -> int:
    """Seconds since the epoch; SOURCE_DATE_EPOCH when set, for reproducible images."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    return int(fixed) if fixed.isdecimal() else int(time.time())


def build_request(
    params: dict[str, Any], directives: tuple[dict[str, Any], ...] = (), *, verifying: bool = False
) -> Request:
    """What to do, from the parsed command line.

    Args:
        params: of the command.
        directives: what to customise.
        verifying: only look: leave out what is never satisfied (customising, host scripts, new UUIDs).

    Raises:
        UnknownOperation, UsageError: a selection or an option that makes no sense.
    """
    enable = None if params["enable"] is None else (params["enable"],)
    chosen = select(enable=enable, disable=_names(params["disable"]), operations=params["operations"])
    names = tuple(one.name for one in chosen)
    options = _options(params)
    check_options(options, chosen)
    if directives and "customize" not in names:
        raise UsageError(problem="customising options need the operation customize, which would not run")
    if verifying:
        names = tuple(name for name in names if name not in _NEVER_SATISFIED)
    return Request(
        operations=names,
        options=options,
        directives=directives,
        root=params["root"],
        seed="" if verifying else os.urandom(16).hex(),
        allow_missing_mounts=params["allow_missing_mounts"],
    )


def selected(params: dict[str, Any]) -> bool:
    """Whether the command line chose operations or their options."""
    return bool(
        params["enable"] or params["disable"] or params["operations"] or _options(params) or params["root"]
    )


def _options(params: dict[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {
        "uninitialized": params["machine_id"] == "uninitialized",
        "remove-user-accounts": _names(params["remove_user_accounts"]),
        "keep-user-accounts": _names(params["keep_user_accounts"]),
        "scripts": list(params["scripts"]),
        "scriptdir": params["scriptdir"],
    }
    return {name: value for name, value in options.items() if value}


def _names(parts: tuple[str, ...]) -> list[str]:
    return [name for part in parts for name in part.split(",")]
