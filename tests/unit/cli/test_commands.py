"""Every command: its line in the table, an example, --json; and what starting the program costs."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from guestwright.base.errors import EXIT_PENDING
from guestwright.cli.lazy import LazyGroup
from guestwright.cli.main import cli
from guestwright.seal.customise.options import OPTIONS, REFUSED
from tests.support.program import COMMAND, environment

_LIMIT = 0.150  # seconds
_ROUNDS = 7
_NEVER_FOR_HELP = {
    "ctypes",
    "guestfs",
    "guestwright.disk.image",
    "guestwright.guestfs.open_machine",
    "guestwright.seal.customise.parse",
    "guestwright.seal.engine",
    "guestwright.seal.registry",
    "h11",
    "hashlib",
    "json",
    "socket",
    "sqlalchemy",
    "ssl",
    "starlette",
    "subprocess",
}
_NEVER_FOR_A_COMMANDS_HELP = {
    "asyncio",
    "ctypes",
    "dbos",
    "guestwright.client.client",
    "guestwright.media.sources.unattend",
    "h11",
    "msgspec",
    "socket",
    "sqlalchemy",
    "ssl",
    "starlette",
    "subprocess",
}
_NEVER_FOR_A_RUN = {
    "asyncio",
    "logging",
    "guestfs",
    "guestwright.seal.customise.parse",
    "unittest",
    "difflib",
}


def commands(
    group: click.Group = cli, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = dict(commands())
LEAVES = {path: one for path, one in ALL.items() if not isinstance(one, click.Group)}
# Commands that ask an engine; their --help asks nothing, so it imports nothing that could.
ENGINE = [
    path
    for path, one in LEAVES.items()
    if (one.callback.__module__ or "").startswith("guestwright.cli.engine.")
]


def program(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *args], env=environment({"COLUMNS": "100"}), capture_output=True, text=True, check=False
    )


def test_there_are_commands() -> None:
    assert ("seal", "run") in LEAVES


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_the_table_says_what_the_command_says(path: tuple[str, ...]) -> None:
    group: click.Command = ALL.get(path[:-1], cli)
    assert isinstance(group, LazyGroup)
    line = group.table[path[-1]][2]
    assert ALL[path].get_short_help_str(limit=1000).rstrip(".") == line.rstrip(".")


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_help_has_an_example_that_names_the_command(path: tuple[str, ...]) -> None:
    done = program(*path, "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    _, found, examples = done.stdout.partition("Examples:")
    assert found
    assert f"guestwright {' '.join(path)} " in examples


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_examples_use_options_that_exist(path: tuple[str, ...]) -> None:
    command = LEAVES[path]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    ours = [
        line.partition("|")[0].partition(" -- ")[0]  # what follows is a program's
        for line in (command.epilog or "").splitlines()
        if line.strip().startswith(f"guestwright {' '.join(path)} ")
    ]
    assert ours
    assert {word for line in ours for word in line.split() if word.startswith("-")} <= known


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_can_answer_in_json(path: tuple[str, ...]) -> None:
    assert "--json" in {name for parameter in LEAVES[path].params for name in parameter.opts}


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_option_has_help(path: tuple[str, ...]) -> None:
    for parameter in LEAVES[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.opts


def test_customising_options_and_those_refused_do_not_meet() -> None:
    known = {name for parameter in LEAVES["seal", "run"].params for name in parameter.opts}
    assert {option.flag for option in OPTIONS} <= known
    assert not known & REFUSED.keys()


@pytest.mark.parametrize("flag", REFUSED)
@pytest.mark.parametrize("form", ["{} x", "{}=x"])
def test_options_that_would_run_the_guest_name_what_to_use(flag: str, form: str) -> None:
    done = program("seal", "run", *form.format(flag).split(), "none.img")
    assert done.returncode == 2
    assert REFUSED[flag] in done.stderr


def test_exit_codes_stand_in_the_help() -> None:
    help_text = program("--help").stdout
    for status in range(EXIT_PENDING + 1):
        assert f" {status} " in help_text


def test_version() -> None:
    assert program("--version").stdout.startswith("guestwright, version ")


def test_bare_call_shows_help_and_fails() -> None:
    done = program()
    assert done.returncode == 2
    assert "Usage:" in done.stdout + done.stderr


def test_help_comes_at_once() -> None:
    """The processor time of the quickest of several runs: what it costs, whatever else the machine does."""
    program("--help")  # writes the byte code
    times = []
    for _ in range(_ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert program("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(times) < _LIMIT, times


@pytest.mark.parametrize(
    ("arguments", "never"),
    [
        (["--help"], _NEVER_FOR_HELP),
        (["seal", "--help"], _NEVER_FOR_HELP),
        (["seal", "plan", "none.img"], _NEVER_FOR_A_RUN),
        *(([*path, "--help"], _NEVER_FOR_A_COMMANDS_HELP) for path in ENGINE),
    ],
    ids=["help", "seal-help", "plan", *(" ".join(path) for path in ENGINE)],
)
def test_what_is_never_imported(arguments: list[str], never: set[str]) -> None:
    code = "import sys, atexit\nfrom guestwright.cli import main as m\n"
    code += "m.os._exit = sys.exit\n"  # leaves in a way that can be watched
    code += "atexit.register(lambda: print('\\n'.join(sys.modules), file=sys.stderr))\nm.main()"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, *arguments],
        env=environment({"PYTHONPATH": os.pathsep.join([environment()["PYTHONPATH"], *sys.path])}),
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = set(done.stderr.split())
    assert "guestwright.cli.main" in loaded, done.stderr
    assert not loaded & never
