"""The host service with many simulated guests.

    python bench/host.py [--guests 1000] [--only events,idle,flood,hostile] [--seconds 20] [--json FILE]

The service runs as a process of its own, over the fake hypervisor, with its store, its journal of events and
one reader who follows it. The guests are in another process: each listens at its port's socket as an emulator
would, and speaks the store's protocol as an agent does.

- `start`: from the start of the service until every guest has been read.
- `events`: from a changed address leaving the guest until the reader has the event that says so.
- `idle`: processor time and memory over a minute in which nobody says anything; then over one in which each
  agent tells once of its memory, as real ones do.
- `flood`: 5,000 changes a second from all guests together for half a minute; what was written last must be
  what is known in the end.
- `hostile`: `events` again, from well-behaved guests, while others do their worst.

Times are CLOCK_MONOTONIC, which all processes share.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [ROOT, os.path.join(ROOT, "src")]

Report = dict[str, Any]
HOSTILE = 20
_TICKS = os.sysconf("SC_CLK_TCK")


class Part:
    """A process that takes a JSON line and answers with one.

    Args:
        name: of its file beside this one.
        arguments: of it.
    """

    def __init__(self, name: str, *arguments: str) -> None:
        program = os.path.join(ROOT, "bench", name)
        self.process = subprocess.Popen(
            [sys.executable, program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, what: str, **more: Any) -> Any:
        """Have it do something; what it says."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.process.args!r} has ended")
        return json.loads(answer)

    def usage(self) -> tuple[float, int]:
        """Processor time in seconds, and resident memory in kB."""
        with open(f"/proc/{self.process.pid}/stat") as stream:
            words = stream.read().rpartition(")")[2].split()
        with open(f"/proc/{self.process.pid}/status") as stream:
            resident = int(stream.read().partition("VmRSS:")[2].split()[0])
        return (int(words[11]) + int(words[12])) / _TICKS, resident

    def end(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


class Ruler:
    """How late this machine wakes a process that has slept 20 ms, while something is measured."""

    def __init__(self) -> None:
        self._late: list[float] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping:
            at = time.monotonic() + 0.02
            time.sleep(0.02)
            self._late.append((time.monotonic() - at) * 1000)

    def end(self) -> float:
        """The 99th percentile, ms."""
        self._stopping = True
        self._thread.join()
        return round(sorted(self._late)[int(len(self._late) * 0.99)], 1)


class Bench:
    """Service and guests."""

    def __init__(self, directory: str, guests: int) -> None:
        self.guests = Part("host_guests.py", directory, str(guests))
        self.guests.ask("listen")
        began = time.monotonic()
        self.service = Part("host_service.py", directory, str(guests))
        self.count = guests
        known = self.service.ask("started")
        self.guests.ask("publish")
        self.service.ask("all-known", seconds=300)
        cpu, resident = self.service.usage()
        self.start = {
            "seconds until ready": round(known - began, 2),
            "seconds until all guests are read": round(time.monotonic() - began, 2),
            "processor seconds": round(cpu, 2),
            "resident MB": resident >> 10,
        }

    def events(self, seconds: float, pause: float = 0.01) -> Report:
        """One change at a time, of one guest after the other."""
        self.service.ask("follow")
        before, began, ruler = self.service.usage()[0], time.monotonic(), Ruler()
        sent = self.guests.ask("change", seconds=seconds, pause=pause)
        took, late = time.monotonic() - began, ruler.end()
        seen = self.service.ask("followed", wait=list(sent))
        cpu = self.service.usage()[0] - before
        machine = {"processor %": round(100 * cpu / took, 1), "a sleep of 20 ms, p99 late ms": late}
        inside = {"from touch to look, p50 ms": self.service.ask("figures")["delay"]}
        return {**_latencies(sent, seen), **machine, **inside}

    def idle(self, seconds: float) -> Report:
        """Nothing happens; then each guest tells of its memory once."""
        found = {}
        for name, rate in (("nothing", 0.0), ("memory once a minute", self.count / 60)):
            before = self.service.usage()[0]
            if rate:
                self.guests.ask("memory", seconds=seconds, rate=rate)
            else:
                time.sleep(seconds)
            cpu, resident = self.service.usage()
            found[name] = {
                "processor %": round(100 * (cpu - before) / seconds, 2),
                "resident MB": resident >> 10,
            }
        return found

    def flood(self, seconds: float, rate: float) -> Report:
        """Many changes a second."""
        before, figures = self.service.usage()[0], self.service.ask("figures")
        done = self.guests.ask("flood", seconds=seconds, rate=rate)
        ended = time.monotonic()
        wrong = self.service.ask("compare", last=done["last"], seconds=60)
        cpu, resident = self.service.usage()
        after = self.service.ask("figures")
        return {
            "changes a second": round(done["sent"] / done["seconds"]),
            "answered after the last, s": round(done["drained"], 2),
            "all known after the last, s": round(time.monotonic() - ended, 2),
            "guests whose last value was lost": wrong,
            "processor %": round(100 * (cpu - before) / done["seconds"], 1),
            "looks": after["looks"] - figures["looks"],
            "nodes read": after["nodes"] - figures["nodes"],
            "resident MB": resident >> 10,
        }

    def hostile(self, seconds: float) -> Report:
        """Changes of good guests while others flood."""
        found = {"without": self.events(seconds)}
        for kind in ("write", "grow", "nonsense", "flap"):
            self.guests.ask("attack", kind=kind, guests=HOSTILE)
            found[kind] = self.events(seconds)
            found[kind]["changes a second of the hostile"] = self.guests.ask("peace")
        return found

    def end(self) -> None:
        """End both."""
        self.service.end()
        self.guests.end()


def _latencies(sent: Mapping[str, float], seen: Mapping[str, float]) -> Report:
    took = sorted((seen[one] - at) * 1000 for one, at in sent.items() if one in seen)
    if not took:
        raise SystemExit("no event was seen")

    def part(share: float) -> float:
        return round(took[min(len(took) - 1, int(len(took) * share))], 1)

    return {
        "changes": len(sent),
        "not seen": len(sent) - len(took),
        "p50 ms": part(0.5),
        "p99 ms": part(0.99),
        "most ms": part(1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--guests", type=int, default=1000)
    parser.add_argument("--only", default="events,idle,flood,hostile")
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement of events")
    parser.add_argument("--idle", type=float, default=60)
    parser.add_argument("--flood", type=float, default=30)
    parser.add_argument("--rate", type=float, default=5000)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    wanted = options.only.split(",")
    with tempfile.TemporaryDirectory(prefix="gwb-", dir="/dev/shm") as directory:
        bench = Bench(directory, options.guests)
        report: Report = {"guests": options.guests, "load": os.getloadavg(), "start": bench.start}
        try:
            if "events" in wanted:
                report["events"] = bench.events(options.seconds)
            if "idle" in wanted:
                report["idle"] = bench.idle(options.idle)
            if "flood" in wanted:
                report["flood"] = bench.flood(options.flood, options.rate)
            if "hostile" in wanted:
                report["hostile"] = bench.hostile(options.seconds)
        finally:
            bench.end()
    text = json.dumps(report, indent=1)
    print(text)
    if options.json:
        with open(options.json, "w") as stream:
            stream.write(text)


if __name__ == "__main__":
    main()
