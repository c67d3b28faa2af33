"""`guestwright seal operations`: what there is."""

from __future__ import annotations

import click

from guestwright.cli.output import print_json, say
from guestwright.seal.registry import OPERATIONS

_EPILOG = """\b
Examples:
  guestwright seal operations
  guestwright seal operations --json | jq -r '.[] | select(.default) | .name'"""


@click.command(epilog=_EPILOG, short_help="List the operations.")
@click.option("--verbose", "-v", is_flag=True, help="With options and sources.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def operations(*, verbose: bool, as_json: bool) -> None:
    """List all operations; those marked * run by default."""
    if as_json:
        print_json(
            [
                {
                    "name": one.name,
                    "summary": one.summary,
                    "default": one.default,
                    "severity": str(one.severity),
                    "virt_sysprep": one.parity,
                    "source": one.source,
                    "options": dict(one.options),
                }
                for one in OPERATIONS
            ]
        )
        return
    width = max(len(one.name) for one in OPERATIONS)
    for one in OPERATIONS:
        say(f"{one.name:{width}} {'*' if one.default else ' '} {one.severity:7} {one.summary}")
        if verbose:
            for name, text in one.options.items():
                say(f"{'':{width}}   --option {name}=…  {text}")
            say(f"{'':{width}}   source: {one.source}")
