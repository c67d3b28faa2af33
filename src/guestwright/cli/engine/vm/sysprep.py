"""`guestwright vm sysprep`."""

from __future__ import annotations

from typing import Any, Final

import click

from guestwright.base.errors import EXIT_FAILED, EXIT_OK, UsageError
from guestwright.base.printable import printable
from guestwright.cli.engine.options import EXITS, connect, engine_options
from guestwright.cli.engine.shown import print_done
from guestwright.cli.engine.waiting import JobBar

_EPILOG: Final = f"""\b
Examples:
  guestwright vm sysprep win-1 --unattend unattend.xml --wait
  guestwright vm sysprep win-1 --unattend unattend.xml --timeout 1800

{EXITS}"""
_ANSWERS_MAX: Final = 64 << 10
_UNDER_WAY: Final = ("pending", "running", "aborting")
_LOOK: Final = 20  # seconds that the engine waits before it says that nothing is new


@click.command("sysprep", epilog=_EPILOG, short_help="Have a guest generalise itself.")
@click.argument("name", metavar="VM")
@click.option("--unattend", required=True, metavar="FILE", help="Answer file; - for standard input.")
@click.option("--filename", default="", metavar="NAME", help="Of it on the medium.  [default: the host's]")
@click.option(
    "--timeout", type=click.FloatRange(1, 7200), metavar="SECONDS", help="For all of it.  [default: 600]"
)
@click.option("--wait", is_flag=True, help="Until the guest has powered off.")
@engine_options
def sysprep(
    name: str, *, unattend: str, filename: str, timeout: float | None, wait: bool, **params: Any
) -> int:
    """Have the guest in the machine VM generalise itself with an answer file, and power off."""
    from guestwright.cli.payload.inputs import read_input
    from guestwright.client.calls import vms
    from guestwright.client.kinds import VMS

    try:
        answers = read_input(unattend, _ANSWERS_MAX).data.decode()
    except UnicodeDecodeError as error:
        raise UsageError(problem=f"{unattend} is no UTF-8") from error
    with connect(params) as client:
        vm = client.find(VMS, name)["id"]
        job = client.do(vms.sysprep(vm, answers, filename=filename, timeout=timeout))
        bar = JobBar()
        try:
            while wait and job.get("status") in _UNDER_WAY:
                bar(
                    {
                        **job,
                        "kind": "sysprep",
                        "done": job.get("percent"),
                        "total": 100,
                        "note": job.get("text"),
                    }
                )
                job = client.do(vms.sysprep_job(vm, str(job["id"]), _LOOK))
        finally:
            bar.close()
    failed = wait and job.get("status") != "done"
    problem = job.get("error")
    more = f": {problem.get('message', '')}" if isinstance(problem, dict) else ""
    line = printable(f"sysprep of {name}: {job.get('status')}{more}")
    print_done(params, "sysprep", job, line)
    return EXIT_FAILED if failed else EXIT_OK
