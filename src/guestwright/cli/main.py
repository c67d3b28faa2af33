"""Entry point: the top group, and the one place where errors become exit codes."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress

import click

from guestwright import __version__
from guestwright.base.errors import EXIT_FAILED, EXIT_USAGE, GuestwrightError
from guestwright.cli.lazy import LazyGroup

_READER_GONE = 141  # what a shell shows of a process that SIGPIPE ended
_COMMANDS = {
    "seal": ("guestwright.cli.commands.seal", "seal", "Turn a machine's disks into a template."),
    "store": ("guestwright.cli.store.group", "store", "Look into a xenstore and change it."),
    "payload": ("guestwright.cli.payload.group", "payload", "Media that hand a guest its configuration."),
    "agent": ("guestwright.cli.agent.group", "agent", "The agent that runs in guests."),
    "up": ("guestwright.cli.up.up", "up", "Run the engine, and this machine as its host."),
    "host": ("guestwright.cli.host.group", "host", "The service of a hypervisor host."),
    "login": ("guestwright.cli.engine.login", "login", "Log in at an engine."),
    "logout": ("guestwright.cli.engine.logout", "logout", "Log out, and forget the token."),
    "whoami": ("guestwright.cli.engine.whoami", "whoami", "Who you are to the engine."),
    "vm": ("guestwright.cli.engine.vm.group", "vm", "Machines: make, start, look, sysprep, remove."),
    "template": (
        "guestwright.cli.engine.template.group",
        "template",
        "Templates that machines are made from.",
    ),
    "guest": (
        "guestwright.cli.engine.guest.group",
        "guest",
        "What runs in machines: facts, programs, files.",
    ),
    "job": ("guestwright.cli.engine.job.group", "job", "Jobs of the engine."),
    "audit": ("guestwright.cli.engine.audit.group", "audit", "Who did what, and how it ended."),
    "event": ("guestwright.cli.engine.event.group", "event", "What happens, as the engine sees it."),
    "user": ("guestwright.cli.engine.user.group", "user", "Who may log in, and what they may do."),
    "token": ("guestwright.cli.engine.token.group", "token", "Tokens for programs."),
    "storage": ("guestwright.cli.engine.storage.group", "storage", "Storage domains."),
    "disk": ("guestwright.cli.engine.disk.group", "disk", "Disks."),
    "doctor": ("guestwright.cli.doctor.command", "doctor", "What is missing on this machine."),
    "completion": ("guestwright.cli.completion", "completion", "Completion for bash, zsh or fish."),
}

_EPILOG = """\b
Examples:
  guestwright seal plan web1.qcow2            what would be erased, and why
  guestwright seal run web1.qcow2             do it, in place, all or nothing
  guestwright seal verify web1.qcow2          prove it

\b
Exit codes: 0 done, 1 failed and nothing changed, 2 wrong usage, 3 verify found
leftovers, 4 this guest or host is not supported, 5 a commit was interrupted and
the next command on the image completes it."""


@click.group(
    cls=LazyGroup,
    table=_COMMANDS,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="guestwright")
def cli() -> None:
    """Looks after the guests of a virtualisation host."""


def main() -> None:
    """Run the command line and exit with the documented status."""
    _hold_standard_streams()
    # A short run makes many objects and little garbage: collecting it would cost a tenth of the time.
    gc.set_threshold(200_000)
    try:
        status = cli.main(prog_name="guestwright", standalone_mode=False)
        _leave(status if isinstance(status, int) else 0)
    except click.exceptions.Abort:
        click.echo("guestwright: interrupted; nothing was changed", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE)
    except GuestwrightError as error:
        _show(error)
        sys.exit(error.exit_status)
    except (BrokenPipeError, SystemExit):  # the latter is click's way when a write meets a broken pipe
        os._exit(_READER_GONE)
    except OSError as error:
        # What the host refuses is a GuestwrightError by now, but for our own output (to a full disk, say).
        place = f" ({error.filename})" if error.filename else ""
        _complain(f"guestwright: the host refused something: {error.strerror or error}{place}")
        _complain(
            "  hint: mind where the output goes; `guestwright seal verify` tells what state an image is in"
        )
        os._exit(EXIT_FAILED)


def _hold_standard_streams() -> None:
    """Put something in the place of streams that are closed, or the first image opened would be one."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed when we started; opening gets the lowest free number: its own
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for as long as we run


def _leave(status: int) -> None:
    """Exit at once: all is closed and written, and taking the interpreter apart costs 20 ms."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _complain(line: str) -> None:
    with suppress(OSError, ValueError):
        click.echo(line, err=True)


def _show(error: GuestwrightError) -> None:
    from guestwright.cli.output import error_json, wants_json

    if wants_json(sys.argv):
        click.echo(error_json(error))
        return
    click.echo(f"guestwright: {error.message}", err=True)
    if error.advice:
        click.echo(f"  hint: {error.advice}", err=True)
