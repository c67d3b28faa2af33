"""The errand of sealing images together; see `program`."""

from __future__ import annotations

import os
import time
from typing import Any

from guestwright.base.ids import new_run_id
from guestwright.disk.failpoints import reached
from guestwright.guestfs.open_machine import OpenOptions, open_machine
from guestwright.host.volumes.line import ask, step
from guestwright.seal.engine import Catalogue, commit, compute
from guestwright.seal.manifest import manifest
from guestwright.seal.registry import OPERATIONS
from guestwright.seal.request import Request
from guestwright.seal.selinux.labels import labeller


def do(order: dict[str, Any]) -> dict[str, Any]:
    """Seal images together, all or nothing; the manifest."""
    started, clock = time.time(), time.monotonic()
    seed = os.urandom(16).hex()
    request = Request(
        operations=tuple(order["operations"]), options=order["options"], root=order["root"], seed=seed
    )
    options = OpenOptions(writable=True, allow_backing=order["backing"], now=int(started))
    catalogue = Catalogue(operations=OPERATIONS, labeller=labeller, options=_options)
    machine = open_machine(order["paths"], options, step)
    try:
        plan = compute(machine, request, catalogue, progress=step, dry=False)
        ask("commit")
        reached("volume-seal-computed")
        plan, written = commit(machine, plan, progress=step)
    finally:
        machine.close()
    reached("volume-seal-committed")
    return manifest(
        plan,
        run=new_run_id(started, os.urandom(10)),
        started=time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(started)),
        seconds={"all": time.monotonic() - clock},
        written=written,
    )


def _options(request: Request) -> dict[str, Any]:
    return {**request.options, "seed": request.seed}
