"""`guestwright completion`: completion of commands and options in a shell."""

from __future__ import annotations

from typing import Final

import click

_EPILOG: Final = """\b
Examples:
  guestwright completion bash > ~/.local/share/bash-completion/completions/guestwright
  guestwright completion zsh > ~/.zfunc/_guestwright
  guestwright completion fish > ~/.config/fish/completions/guestwright.fish"""
_VARIABLE: Final = "_GUESTWRIGHT_COMPLETE"


@click.command("completion", epilog=_EPILOG, short_help="Completion for bash, zsh or fish.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
def completion(shell: str, *, as_json: bool) -> None:
    """Print what the shell reads to complete commands and options of guestwright."""
    from click.shell_completion import get_completion_class

    from guestwright.cli.output import print_json, say

    kind = get_completion_class(shell)
    if kind is None:
        raise click.BadParameter(f"{shell} is not supported by this click")
    # Made from the class's own template: `source()` would start bash to ask for its version.
    names = {
        "complete_func": "_guestwright_completion",
        "complete_var": _VARIABLE,
        "prog_name": "guestwright",
    }
    script = (kind.source_template % names).strip()
    if as_json:
        print_json({"kind": "guestwright.completion", "schema": 1, "shell": shell, "script": script})
    else:
        say(script)
