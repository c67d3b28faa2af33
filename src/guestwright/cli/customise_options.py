"""The customising options of `seal plan` and `seal run`, made from the one table of directives."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from guestwright.cli.output import warn
from guestwright.seal.customise.options import OPTIONS, REFUSED

if TYPE_CHECKING:
    from guestwright.seal.customise.directives import InstallAgent

Command = TypeVar("Command", bound=Callable[..., Any])
_KEY = "guestwright.customise"
_AGENT = "guestwright.agent"


def customise_options(command: Command) -> Command:
    """Add every customising option to a click command; `collect_directives` gives what was asked for."""
    for option in reversed(OPTIONS):
        decorate = click.option(
            option.flag, metavar=option.metavar, help=option.help, multiple=True, expose_value=False
        )
        command = decorate(command)
    decorate = click.option(
        "--agent", is_flag=True, expose_value=False, help="Put the guest agent in, with its service."
    )
    return decorate(command)


class OrderedCommand(click.Command):
    """A command that also remembers its customising options in the order given, across different options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as usual, and note (flag, value) of every customising option.

        Raises:
            NeedsRunningGuest: an option of virt-sysprep's that would run code of the guest.
        """
        for word in args:
            if word.partition("=")[0] in REFUSED:
                from guestwright.seal.customise.errors import NeedsRunningGuest

                flag = word.partition("=")[0]
                raise NeedsRunningGuest(option=flag, instead=REFUSED[flag])
        flags = {option.flag.lstrip("-").replace("-", "_"): option.flag for option in OPTIONS}
        values, _, order = self.make_parser(ctx).parse_args(args=list(args))
        given = {name: iter(value) for name, value in values.items() if name in flags}
        ctx.meta[_KEY] = [
            (flags[one.name], next(given[one.name]))
            for one in order
            if one.name in flags and one.name in given
        ]
        ctx.meta[_AGENT] = bool(values.get("agent"))
        return super().parse_args(ctx, args)


def collect_directives() -> tuple[dict[str, Any], ...]:
    """The directives of this command line, as JSON. Passwords that were made up are shown here, once."""
    meta = click.get_current_context().meta
    pairs = meta.get(_KEY, [])
    if not pairs and not meta.get(_AGENT):
        return ()
    from guestwright.seal.customise.codec import to_json
    from guestwright.seal.customise.parse import parse_options

    parsed = parse_options(pairs)
    for one in parsed.generated:
        warn(f"password of {one.user}: {one.password.reveal()}")
    return tuple(to_json(one) for one in (*_agent(given=bool(meta.get(_AGENT))), *parsed.directives))


def _agent(*, given: bool) -> tuple[InstallAgent, ...]:
    """The agent goes in first, so that other options may have their say about its configuration."""
    if not given:
        return ()
    from guestwright.agent.package import contents, pyz
    from guestwright.seal.customise.directives import InstallAgent

    agent = InstallAgent(
        archive=pyz.build(),
        config=contents.config(),
        rules=contents.rules(),
        systemd=contents.unit(),
        openrc=contents.openrc(),
        sysv=contents.sysv(),
    )
    return (agent,)
