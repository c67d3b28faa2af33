"""What the commands share: which of a domain's two payloads is meant."""

from __future__ import annotations

from typing import Final

import click

run_once_option: Final = click.option("--run-once", is_flag=True, help="The one for the next start only.")


def persistence(run_once: bool) -> str:
    """Its name in the service's paths."""
    return "run-once" if run_once else "permanent"
