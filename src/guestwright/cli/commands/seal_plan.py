"""`guestwright seal plan`: what sealing would change."""

from __future__ import annotations

import json
import os
from typing import Any

import click

from guestwright.cli.customise_options import OrderedCommand, collect_directives, customise_options
from guestwright.cli.output import Bar, print_json, say
from guestwright.cli.seal_catalogue import catalogue
from guestwright.cli.seal_options import (
    build_request,
    image_options,
    open_options,
    output_options,
    selection_options,
)
from guestwright.cli.seal_text import plan_lines, summary_line
from guestwright.guestfs.open_machine import open_machine
from guestwright.seal.engine import check, compute
from guestwright.seal.errors import FileNotWritten, OutputExists
from guestwright.seal.manifest import saved_plan

_EPILOG = """\b
Examples:
  guestwright seal plan web1.qcow2
  guestwright seal plan --verbose --disable logfiles web1.img data1.img
  guestwright seal plan --hostname template --save web1.plan.json web1.img
  guestwright seal plan --json web1.img | jq '.operations[] | select(.status=="changed") | .name'"""


@click.command(
    cls=OrderedCommand, epilog=_EPILOG, short_help="Show what sealing would change; touch nothing."
)
@image_options
@selection_options
@click.option("--save", metavar="FILE", help="Write the plan to a new file that `seal run --plan` takes.")
@click.option("--verbose", "-v", is_flag=True, help="Every path, and why.")
@click.option("--check", "with_check", is_flag=True, help="Also let e2fsck judge the result as it would be.")
@output_options
@customise_options
def plan(**params: Any) -> None:
    """Show what sealing would change in the disks of one machine. Nothing is written.

    The plan is a real run over copies of the changed blocks in memory that are then thrown away, so it is
    exact: what it lists is what `seal run` does to the same image.
    """
    if params["save"] and os.path.lexists(params["save"]):
        raise OutputExists(path=params["save"])
    request = build_request(params, collect_directives())
    bar = Bar(quiet=params["quiet"])
    machine = open_machine(params["images"], open_options(params, writable=False), bar)
    try:
        made = compute(machine, request, catalogue(), progress=bar)
        if params["with_check"]:
            made = check(machine, made)
    finally:
        machine.close()
        bar.close()
    body = saved_plan(made)
    if params["save"]:
        _save(params["save"], body)
    if params["as_json"]:
        print_json(body)
        return
    for line in plan_lines(made, verbose=params["verbose"]):
        say(line)
    say()
    say(f"plan: {summary_line(made, ('would remove', 'write'))}")
    if params["save"]:
        say(f"saved to {params['save']}")


def _save(path: str, body: dict[str, Any]) -> None:
    # 0600 before any content: a plan holds the hashes of passwords that it would set.
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(body, stream, indent=2)
            stream.write("\n")
    except OSError as error:
        raise FileNotWritten(path=path, detail=error.strerror or "unknown error") from error
