"""A service with one storage domain and nothing else, which can be killed; and other people's verdicts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from guestwright.disk.failpoints import VARIABLE
from tests.support.program import environment, running

# Does one job, under an id that stays; at its start it settles what a killed one left, as the service does.
_SERVICE = """
import json, sys
from guestwright.base.record import asdict
from guestwright.host.volumes.storage import Storage
path, state, kind, parameters, job = sys.argv[1:]
with Storage(state, {"d": path}, threads=1, clock=lambda: 7.0) as storage:
    recovered = storage.start().recovered["d"]
    if kind:
        storage.jobs.submit(kind, json.loads(parameters), job=job)
        print(json.dumps({**asdict(storage.jobs.wait(job, 120)), "recovered": asdict(recovered)}))
    else:
        print(json.dumps({"recovered": asdict(recovered)}))
"""


def serve(
    domain: Path, kind: str, parameters: Mapping[str, Any], *, failpoint: str = "", job: str = "j"
) -> Any:
    """Do a job as a service that may be killed.

    Args:
        domain: directory of the domain; its jobs are in a directory beside it.
        kind: of the job; "" only to start and settle.
        parameters: of the job.
        failpoint: where it is killed; "" nowhere.
        job: its id.

    Returns:
        The job as it ended, and what was recovered; None if the service was killed.
    """
    env = environment({VARIABLE: f"{failpoint}:kill"} if failpoint else None)
    state = Path(f"{domain}.state")
    state.mkdir(exist_ok=True)
    argv = [sys.executable, "-c", _SERVICE, str(domain), str(state), kind, json.dumps(parameters), job]
    with running(argv, env=env, stdout=subprocess.PIPE) as process:
        out, _ = process.communicate(timeout=240)
    assert process.returncode in {0, -signal.SIGKILL}
    return json.loads(out) if out else None


def judged_sound(path: Path, image_format: str) -> None:
    """Let qemu-img check an image; raw images have nothing that it could check."""
    if image_format == "qcow2":
        subprocess.run(["qemu-img", "check", "-q", "-f", "qcow2", path], check=True)


def judged_same(one: Path, one_format: str, other: Path, other_format: str) -> bool:
    """Whether qemu-img finds the same disk in two images."""
    argv = ["qemu-img", "compare", "-q", "-f", one_format, "-F", other_format, str(one), str(other)]
    status = subprocess.run(argv, check=False).returncode
    assert status in {0, 1}
    return status == 0
