"""Writes docs/cli.md from the commands; `--check` only tells whether it is up to date.

Exit status 1 with --check when the page differs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from guestwright.cli.main import cli

PAGE = Path(__file__).parents[1] / "docs/cli.md"

HEAD = """# Commands

This page is made from the code by `tools/gen_cli.py`; do not edit it. `guestwright COMMAND --help` says the
same.

Every command takes `--json`. An error is then `{"error": {"code", "message", "hint", "params"}}` on standard
output; all codes, with what to do about them, are in [errors.md](errors.md). Exit codes: 0 done · 1 failed or
refused · 2 wrong usage · 3 verify found leftovers · 4 not supported · 5 a commit was interrupted · 130
interrupted by the user.

Commands that ask an engine stand on its [client](client.md); completion for a shell comes from
`guestwright completion`.
"""


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands, groups before what is in them."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            raise LookupError(name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def page() -> str:
    """The whole page."""
    found = list(commands(cli))
    lines = [HEAD, "| command | |", "|---|---|"]
    for path, command in found:
        if not isinstance(command, click.Group):
            name = " ".join(path)
            lines.append(f"| [`{name}`](#{'-'.join(path)}) | {command.get_short_help_str(limit=1000)} |")
    lines.append("")
    for path, command in found:
        if not isinstance(command, click.Group):
            lines += [*_section(path, command), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _section(path: tuple[str, ...], command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=" ".join(path))
    yield f"## {' '.join(path)}"
    yield ""
    yield " ".join((command.help or "").split("\f")[0].split())
    yield ""
    yield f"`guestwright {' '.join((*path, *command.collect_usage_pieces(context)))}`"
    yield ""
    rows = [one.get_help_record(context) for one in command.params]
    told = [row for row in rows if row is not None]
    if told:
        yield "| option | |"
        yield "|---|---|"
        for names, text in told:
            yield f"| `{_cell(names)}` | {_cell(text)} |"
        yield ""
    yield "```"
    yield from (line.rstrip() for line in (command.epilog or "").replace("\b\n", "").strip("\n").split("\n"))
    yield "```"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> int:
    """Write or check."""
    text = page()
    if sys.argv[1:] == ["--check"]:
        if not PAGE.exists() or PAGE.read_text() != text:
            sys.stderr.write(f"{PAGE.name} is not up to date: run tools/gen_cli.py\n")
            return 1
        return 0
    if sys.argv[1:]:
        sys.stderr.write("usage: gen_cli.py [--check]\n")
        return 2
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
