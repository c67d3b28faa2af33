"""A service that is killed at any step loses no job, and begins none twice that may run only once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from guestwright.disk.failpoints import VARIABLE
from tests.support.program import environment, running

pytestmark = pytest.mark.system

# The service and its client in one: submits two jobs under fixed ids (a client that heard no answer does it
# again), waits for their ends, prints them. Each beginning of work is a line in a file.
_SERVICE = """
import json, os, sys
from guestwright.base.record import asdict
from guestwright.disk.failpoints import reached
from guestwright.host.jobs.jobs import Jobs
from guestwright.host.jobs.kind import Kind
from guestwright.host.jobs.model import Restart
from guestwright.host.jobs.store import JobStore
path, effects = sys.argv[1:]
def note(text):
    with open(effects, "a") as stream:
        stream.write(text + "\\n")
        stream.flush()
        os.fsync(stream.fileno())
def run(work):
    note("begin " + work.job.id)
    work.save({"half": True})
    reached("half-" + work.job.id)
    work.commit()
    return "result of " + work.job.id
with JobStore(path) as store:
    jobs = Jobs(store, [
        Kind(name="again", run=run, restart=Restart.RESUME),
        Kind(name="once", run=run, undo=lambda work: note("undo " + work.job.id)),
    ], threads=1)
    jobs.start()
    for name in ("again", "once"):
        jobs.submit(name, {}, job=name)
    ended = [jobs.wait(name, 60) for name in ("again", "once")]
    print(json.dumps([asdict(one) for one in ended]))
    jobs.stop()
"""
STEPS = ["job-submitted", "job-started", "half-again", "half-once", "job-ran", "job-ended"]
LATER = ["job-resumed", "job-undone"]


def serve(tmp_path: Path, failpoint: str = "") -> Any:
    """Run it; what it printed, or None if it was killed."""
    env = environment({VARIABLE: f"{failpoint}:kill"} if failpoint else None)
    argv = [sys.executable, "-c", _SERVICE, str(tmp_path / "jobs.db"), str(tmp_path / "effects")]
    with running(argv, env=env, stdout=subprocess.PIPE) as process:
        out, _ = process.communicate(timeout=120)
    assert process.returncode == (-signal.SIGKILL if failpoint and not out else 0)
    return json.loads(out) if out else None


@pytest.mark.parametrize("later", ["", *LATER])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at(step: str, later: str, tmp_path: Path) -> None:
    assert serve(tmp_path, step) is None
    if later:
        serve(tmp_path, later)  # not every first kill leaves something to resume or undo
    again, once = serve(tmp_path)
    effects = (tmp_path / "effects").read_text().splitlines()

    assert again["status"] == "done"
    assert again["result"] == "result of again"
    assert effects.count("begin again") >= 1
    assert effects.count("begin once") <= 1, "begun twice"
    if once["status"] == "done":
        assert once["result"] == "result of once"
        assert effects.count("begin once") == 1
        assert "undo once" not in effects
    else:
        assert once["status"] == "failed"
        assert once["error"]["code"] == "job-interrupted"
        assert effects[-1] == "undo once" or "undo once" in effects


def test_the_steps_are_those_that_the_source_has() -> None:
    sources = (Path(__file__).parents[4] / "src/guestwright/host/jobs").glob("*.py")
    text = "".join(one.read_text() for one in sources)
    assert text.count("reached(") == sum(f'reached("{one}")' in text for one in (*STEPS, *LATER))
