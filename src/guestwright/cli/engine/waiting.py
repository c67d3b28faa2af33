"""Jobs that commands begin: told, or waited for with a bar."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from guestwright.base.errors import EXIT_FAILED, EXIT_OK
from guestwright.base.printable import printable
from guestwright.cli.output import print_json, say, warn

if TYPE_CHECKING:
    from guestwright.client.client import Client

Json = dict[str, Any]
_WIDTH: Final = 28
_INTERRUPTED: Final = 130


class JobBar:
    """A job's progress on a terminal's standard error; nothing anywhere else."""

    def __init__(self) -> None:
        self._on = sys.stderr.isatty()
        self._shown = False

    def __call__(self, job: Json) -> None:
        """Draw how far it is."""
        if not self._on:
            return
        total, done = job.get("total"), job.get("done")
        part = 0.0
        if isinstance(total, (int, float)) and isinstance(done, (int, float)) and total > 0:
            part = min(1.0, max(0.0, done / total))
        bar = "█" * int(part * _WIDTH) + "·" * (_WIDTH - int(part * _WIDTH))
        text = f"{job.get('kind', '')} {job.get('step') or job.get('status', '')}: {job.get('note', '')}"
        sys.stderr.write(f"\r\x1b[K{bar} {printable(text)[:70]}")
        sys.stderr.flush()
        self._shown = True

    def close(self) -> None:
        """Wipe it."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False


def begun(params: Json, client: Client, job: Json) -> int:
    """Tell of a job that was begun; with --wait, of its end.

    Args:
        params: of the options, `wait` and `timeout` among them.
        client: to wait with.
        job: as the engine has it.

    Returns:
        Exit status: 1 also when a part of what was asked for was not done.

    Raises:
        RemoteJobFailed, WaitedTooLong: see `Client.wait`.
    """
    if params["wait"]:
        bar = JobBar()
        try:
            job = client.wait(str(job["id"]), bar, params["timeout"])
        except KeyboardInterrupt:
            bar.close()
            warn(f"guestwright: the job goes on: guestwright job wait {printable(str(job['id']))}")
            return _INTERRUPTED
        finally:
            bar.close()
    failed = _failed(job)
    if params["as_json"]:
        print_json({"kind": "guestwright.job", "schema": 1, "job": job})
    else:
        for line in _lines(job):
            say(line)
        for name, code in failed.items():
            warn(f"guestwright: {printable(str(name))} was not made: {printable(str(code))}")
    return EXIT_FAILED if failed else EXIT_OK


def _failed(job: Json) -> Json:
    result = job.get("result")
    found = result.get("failed") if isinstance(result, dict) else None
    return found if isinstance(found, dict) else {}


def _lines(job: Json) -> list[str]:
    result = job.get("result")
    made = result.get("made") if isinstance(result, dict) else None
    if isinstance(made, dict):
        return [f"{printable(str(name))}  {printable(str(one))}" for name, one in made.items()]
    lines = [f"job {printable(str(job['id']))}: {printable(str(job.get('status', '')))}"]
    if isinstance(result, dict):
        lines += [
            f"{printable(name)}  {printable(str(one))}"
            for name, one in result.items()
            if isinstance(one, (str, int))
        ]
    return lines
