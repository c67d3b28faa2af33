"""Lists of things: filters, order, how many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from guestwright.cli.engine.options import connect, engine_options
from guestwright.cli.engine.shown import Column, print_items
from guestwright.cli.output import warn

if TYPE_CHECKING:
    from guestwright.client.call import Call, Page

Command = TypeVar("Command", bound=Callable[..., Any])
Json = dict[str, Any]
_PAGE: Final = 1000

_LIMIT: Final = click.option(
    "--limit",
    type=click.IntRange(0),
    default=500,
    show_default=True,
    metavar="N",
    help="Show at most so many; 0 for all.",
)
_MANY: Final = (
    click.option(
        "--filter",
        "filters",
        multiple=True,
        metavar="F",
        help="FIELD, one of = != < <= > >= ~ :has:, and VALUE; all must hold, ~ knows '*'.",
    ),
    click.option("--sort", metavar="FIELD", default="", help="Order; -FIELD for the other way round."),
)


def limit_option(command: Command) -> Command:
    """Add `--limit`, and what all commands have."""
    return _LIMIT(engine_options(command))


def list_options(command: Command) -> Command:
    """Add `--filter`, `--sort` and `--limit`, and what all commands have."""
    command = limit_option(command)
    for one in reversed(_MANY):
        command = one(command)
    return command


def print_list(
    params: Json, kind: str, call: Callable[..., Call[Page]], columns: Sequence[Column], **query: Any
) -> None:
    """Fetch a list and show it.

    Args:
        params: of the options.
        kind: of things, in the plural.
        call: makes the call for a page.
        columns: to show.
        query: more, for the call.
    """
    most = params["limit"] or None
    page = _PAGE if most is None else min(_PAGE, most + 1)
    asked = {**query, "limit": page}
    if "filters" in params:
        asked |= {"filters": params["filters"], "sort": params["sort"]}
    with connect(params) as client:
        items = list(client.all(call(**asked), None if most is None else most + 1))
    print_items(params, kind, items[:most], columns)
    if most is not None and len(items) > most:
        warn(f"guestwright: there are more than {most}; --limit 0 shows all")
