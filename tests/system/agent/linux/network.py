"""Runs in namespaces of its own: changes the network with ip(8), and prints what the collectors say then.

Each line of standard input is a command of ip(8); each answer is one line of JSON: the facts of all
interfaces, once the kernel's news has come.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

from guestwright.agent.linux.sources import LinuxSources
from guestwright.agent.loop import Loop
from guestwright.base.record import asdict

PATIENCE = 5.0  # seconds
CALM = 0.1  # seconds without news


def main() -> int:
    subprocess.run(["mount", "-t", "sysfs", "none", "/sys"], check=True)
    loop, collectors = Loop(), LinuxSources("/")
    heard: list[float] = []
    collectors.start(loop, lambda **_: heard.append(time.monotonic()))
    for line in sys.stdin:
        heard.clear()
        for command in line.strip().split(";"):
            if command:
                subprocess.run(["ip", *command.split()], check=True)
        done = time.monotonic()
        while time.monotonic() < done + PATIENCE:
            loop.turn(CALM)
            if not line.strip() or (heard and time.monotonic() > heard[-1] + CALM):
                break
        answer = {
            "nics": {nic.name: asdict(nic) for nic in collectors.snapshot().nics},
            "news": bool(heard),
            "late": max(0.0, heard[0] - done) if heard else None,
            "asked": collectors._netlink._sequence,
        }
        print(json.dumps(answer), flush=True)
    collectors.close()
    loop.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
