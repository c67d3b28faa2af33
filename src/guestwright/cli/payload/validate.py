"""`guestwright payload validate`: check inputs, write nothing."""

from __future__ import annotations

from typing import Any

import click

from guestwright.cli.payload.inputs import input_options, payload_from

_EPILOG = """\b
Examples:
  guestwright payload validate --unattend unattend.xml
  guestwright payload validate --user-data ud.yaml --instance-id x --json

\b
Exit codes: 0 good, perhaps with warnings; 2 there are problems."""


@click.command(epilog=_EPILOG, short_help="Check inputs; say everything that is wrong.")
@input_options
def validate(**params: Any) -> int:
    """Check what a guest is to be given, and name file, line and column of every problem."""
    from guestwright.base.printable import printable
    from guestwright.cli.output import print_json, say, warn
    from guestwright.cli.payload.written import finding_json, tell_warnings, told
    from guestwright.media.sources.errors import BadPayload
    from guestwright.media.sources.findings import all_problems

    try:
        made = payload_from(params)
    except BadPayload as error:
        problems = all_problems(error)
        if params["as_json"]:
            body = {"problems": [finding_json(one) for one in problems], "error": error.as_dict()}
            print_json({"kind": "guestwright.payload.checked", "schema": 1, "valid": False, **body})
        for one in () if params["as_json"] else problems:
            warn(f"{printable(one.file)}:{one.line}:{one.column}: {printable(one.problem)}")
        return error.exit_status
    if params["as_json"]:
        print_json({"kind": "guestwright.payload.checked", "schema": 1, "valid": True, **told(made)})
    else:
        tell_warnings(made.warnings)
        say(f"valid: {made.form}, {len(made.tree.files)} files")
    return 0
