"""`guestwright seal run`: seal, in place or into a copy."""

from __future__ import annotations

import signal
import sys
import time
from typing import Any

import click

from guestwright.base.errors import UsageError
from guestwright.base.progress import Progress, Step
from guestwright.cli.customise_options import OrderedCommand, collect_directives, customise_options
from guestwright.cli.output import Bar, human, print_json, say
from guestwright.cli.seal_catalogue import catalogue
from guestwright.cli.seal_files import (
    Target,
    check_fits,
    check_manifest_place,
    load_plan,
    prepare_target,
    write_manifest,
)
from guestwright.cli.seal_options import (
    build_request,
    image_options,
    open_options,
    output_options,
    selected,
    selection_options,
)
from guestwright.cli.seal_text import plan_lines, summary_line
from guestwright.guestfs.open_machine import open_machine
from guestwright.seal.engine import commit, compute
from guestwright.seal.plan import Plan
from guestwright.seal.request import Request

_EPILOG = """\b
Examples:
  guestwright seal run web1.qcow2
  guestwright seal run web1.qcow2 --output template.qcow2 --hostname localhost
  guestwright seal run root.img var.img --disable logfiles,ssh-userdir
  guestwright seal run --plan web1.plan.json web1.img

\b
Exit codes: 0 done; 1 failed, nothing changed; 2 wrong usage; 4 not supported;
5 the commit was interrupted and the next command on the image completes it."""


@click.command(
    cls=OrderedCommand, epilog=_EPILOG, short_help="Seal, in place or into a copy, all or nothing."
)
@image_options
@selection_options
@click.option(
    "--plan", "plan_file", metavar="FILE", help="Carry out a saved plan; refused if the image changed."
)
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    multiple=True,
    help="Leave IMAGE as it is and seal a copy; once per image.",
)
@click.option("--manifest", metavar="FILE", help="Where to write what was done.  [default: beside the image]")
@click.option("--no-manifest", is_flag=True, help="Write no manifest.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask, also on a terminal.")
@click.option("--verbose", "-v", is_flag=True, help="Every path, and why.")
@output_options
@customise_options
def run(**params: Any) -> None:  # fmt: skip
    """Seal the disks of one machine, in place unless --output is given. All or nothing.

    On a terminal the plan is shown first and a question asked. The result is judged by e2fsck before anything
    is written; then all images change together through a redo log, so that after a crash they are either as
    they were or completed by the next command.
    """
    if params["plan_file"] and selected(params):
        raise UsageError(problem="--plan says which operations run; give it without a selection")
    directives = collect_directives()
    saved = load_plan(params["plan_file"]) if params["plan_file"] else None
    if saved and directives:
        raise UsageError(problem="--plan says what to customise; give it without such options")
    request = saved.request if saved else build_request(params, directives)
    check_manifest_place(params, params["output"] or params["images"])
    with prepare_target(params["images"], params["output"], open_options(params, writable=True)) as target:
        _seal(target, request, params)


def _seal(target: Target, request: Request, params: dict[str, Any]) -> None:
    started, clock = time.time(), time.perf_counter
    seconds: dict[str, float] = {}
    bar = Bar(quiet=params["quiet"])
    begin = clock()
    bar(Step(name="open", done=0, total=1, text=target.paths[0]))
    machine = open_machine(target.paths, target.options, bar)
    try:
        seconds["open"] = clock() - begin
        if params["plan_file"]:
            check_fits(params["plan_file"], machine)
        begin = clock()
        plan = compute(machine, request, catalogue(), progress=bar, dry=False)
        seconds["operations"] = clock() - begin
        bar.close()
        if params["plan_file"]:
            check_fits(params["plan_file"], machine, plan)
        if _must_ask(params):
            _ask(plan, params)
        begin = clock()
        plan, written = commit(machine, plan, progress=_deaf_at_the_commit(bar))
        seconds["check"] = sum(one.seconds for one in plan.checks)
        seconds["commit"] = clock() - begin - seconds["check"]
    finally:
        machine.close()
        bar.close()
    target.finish()
    path = write_manifest(params, target, plan, started=started, seconds=seconds, written=written)
    _report(plan, params, path, seconds, written)


def _deaf_at_the_commit(bar: Bar) -> Progress:
    """Ctrl-C counts until the images are written to: from then on "nothing was changed" would be wrong."""

    def watch(step: Step, /) -> None:
        if step.name == "commit":
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        bar(step)

    return watch


def _must_ask(params: dict[str, Any]) -> bool:
    quiet = params["yes"] or params["as_json"] or params["quiet"] or params["output"] or params["plan_file"]
    return not quiet and sys.stdin.isatty() and sys.stdout.isatty()


def _ask(plan: Plan, params: dict[str, Any]) -> None:
    for line in plan_lines(plan, verbose=params["verbose"]):
        say(line)
    say()
    click.confirm(
        f"{summary_line(plan, ('will remove', 'write'))}.\nSeal {', '.join(params['images'])} in place?",
        abort=True,
    )


def _report(
    plan: Plan, params: dict[str, Any], manifest: dict[str, Any], seconds: dict[str, float], written: int
) -> None:
    if params["as_json"]:
        print_json(manifest)
        return
    if params["quiet"]:
        return
    if params["verbose"]:
        for line in plan_lines(plan, verbose=True):
            say(line)
        say()
    say(f"sealed: {summary_line(plan, ('removed', 'wrote'))}")
    for check in plan.checks:
        say(f"checked: {check.tool} is clean on {check.filesystem} ({check.seconds * 1000:.0f} ms)")
    total = sum(seconds.values())
    images = f"{len(plan.images)} images" if len(plan.images) > 1 else "1 image"
    say(f"written: {human(written)} to {images} in {total:.2f} s")
    if manifest.get("path"):
        say(f"manifest: {manifest['path']}")
