"""`guestwright seal verify`: what is left that sealing should have taken away."""

from __future__ import annotations

from typing import Any

import click

from guestwright.base.errors import EXIT_LEFTOVERS
from guestwright.base.record import asdict
from guestwright.cli.output import Bar, print_json, say
from guestwright.cli.seal_catalogue import catalogue
from guestwright.cli.seal_files import customised_paths
from guestwright.cli.seal_options import (
    build_request,
    image_options,
    open_options,
    output_options,
    selection_options,
)
from guestwright.cli.seal_text import guest_lines, verdict_lines
from guestwright.guestfs.open_machine import open_machine
from guestwright.seal.changes import Severity
from guestwright.seal.engine import compute
from guestwright.seal.verify import Leftover, Verdict, judge

_EPILOG = """\b
Examples:
  guestwright seal verify template.qcow2
  guestwright seal verify --json template.img | jq '.leftovers[].path'

\b
Exit codes: 0 nothing of the old machine's identity is left, 3 something is."""


@click.command(epilog=_EPILOG, short_help="List what sealing should have taken away.")
@image_options
@selection_options
@click.option("--manifest", metavar="FILE", default="", help="Of the sealing.  [default: beside the image]")
@output_options
def verify(**params: Any) -> int:
    """List what the operations would still change in a sealed image, worst first.

    Exits with 3 if anything at level "error" is left: an identity or secret that all clones would share.
    """
    request = build_request(params, verifying=True)
    customised = customised_paths(params["images"][0], params["manifest"])
    bar = Bar(quiet=params["quiet"])
    machine = open_machine(params["images"], open_options(params, writable=False), bar)
    try:
        plan = compute(machine, request, catalogue(), progress=bar)
    finally:
        machine.close()
        bar.close()
    verdict = judge(plan, customised)
    if params["as_json"]:
        print_json(_json(verdict))
    else:
        for line in (*guest_lines(plan), *verdict_lines(verdict)):
            say(line)
        counts = ", ".join(f"{verdict.count(severity)} {severity}" for severity in Severity)
        say(f"{'sealed' if verdict.sealed else 'NOT SEALED'}: {counts}")
    return 0 if verdict.sealed else EXIT_LEFTOVERS


def _json(verdict: Verdict) -> dict[str, Any]:
    return {
        "kind": "guestwright.seal.verdict",
        "schema": 1,
        "sealed": verdict.sealed,
        "counts": {str(severity): verdict.count(severity) for severity in Severity},
        "leftovers": [_one(one) for one in verdict.leftovers],
        "remarks": [_one(one) for one in verdict.remarks],
    }


def _one(leftover: Leftover) -> dict[str, Any]:
    action = asdict(leftover.action)
    return {
        "operation": leftover.operation,
        "severity": str(leftover.severity),
        "kind": str(leftover.action.kind),
        "path": action["path"],
        "detail": action["detail"],
        "reason": action["reason"],
    }
