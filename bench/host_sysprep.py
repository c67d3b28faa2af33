"""A sysprep's cost without the guest's own time, with our real agent as a process.

    python bench/host_sysprep.py [--rounds 15] [--json FILE]

The host is ours over the fake hypervisor; the store, the medium, the keys and the agent are real, the agent's
command is `true`, and the guest is off as soon as it powers off. What is counted begins with the request and
ends when the domain is down: building the medium in memory, inserting it, the guest's word that it sees it,
the request, its answers, ejecting and destroying. XAPI sleeps 5 s (`vm-sysprep-wait` in xapi.conf) so that
the guest notices the disc, before it asks for anything.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "src"), ROOT]

from guestwright.host.acting.sysprep import SysprepRun
from tests.support.acting_host import acting_host, kernel_tells
from tests.support.agent_process import made

XAPI = 5.0  # seconds
SETTINGS = '[sysprep]\ncommand = ["{script}"]\n'


def once() -> float:
    """Seconds of one sysprep of a guest that has just come up."""
    with tempfile.TemporaryDirectory(prefix="gwb-", dir="/dev/shm") as directory:
        home = Path(directory)
        script = made(home / "script", "#!/bin/sh\ntrue\n")
        with acting_host(home, SETTINGS.format(script=script)) as host:
            host.power_off_with_guest()
            run = SysprepRun(host.sysprep(), host.request(b"name=web42\n"))
            began = time.perf_counter()
            run.run()
            return time.perf_counter() - began


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    if not kernel_tells():
        sys.exit("this machine's kernel cannot be asked to tell of a device (/sys/block/*/uevent)")
    took = sorted(once() for _ in range(options.rounds))
    report: dict[str, Any] = {
        "rounds": options.rounds,
        "load": os.getloadavg(),
        "median ms": round(statistics.median(took) * 1000, 1),
        "least ms": round(took[0] * 1000, 1),
        "most ms": round(took[-1] * 1000, 1),
        "of XAPI's 5 s, times faster": round(XAPI / statistics.median(took)),
    }
    text = json.dumps(report, indent=1)
    print(text)
    if options.json:
        Path(options.json).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
