"""`guestwright doctor`: what is missing on this machine."""

from __future__ import annotations

from typing import Final

import click

_EPILOG: Final = """\b
Examples:
  guestwright doctor
  guestwright doctor --json | jq -r '.checks[] | select(.found | not) | .remedy'

\b
Exit codes: 0 all that is needed is there, 1 something needed is missing. What is
optional is needed by some commands only."""


@click.command("doctor", epilog=_EPILOG, short_help="What is missing on this machine.")
@click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
def doctor(*, as_json: bool) -> int:
    """Look for what Guestwright uses on this machine, and say how to get what is missing."""
    from guestwright.base.errors import EXIT_FAILED, EXIT_OK
    from guestwright.base.record import asdict
    from guestwright.cli.doctor.checks import look
    from guestwright.cli.host.table import table
    from guestwright.cli.output import print_json, say

    found = look()
    well = all(one.found for one in found if one.needed)
    if as_json:
        checks = [asdict(one) for one in found]
        print_json({"kind": "guestwright.doctor", "schema": 1, "ok": well, "checks": checks})
    else:
        rows = [
            (
                one.name,
                "yes" if one.found else "no" if one.needed else "optional",
                one.purpose,
                one.detail if one.found else one.remedy,
            )
            for one in found
        ]
        for line in table(("WHAT", "THERE", "FOR", "WHERE, OR HOW TO GET IT"), rows):
            say(line)
    return EXIT_OK if well else EXIT_FAILED
