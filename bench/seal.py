"""Speed and memory of `guestwright seal run` against virt-sysprep, whole processes, in one run.

    python bench/seal.py [--runs 7] [--peer-runs 1] [--no-peer] [--json FILE]

Every run works on a fresh copy of the same dirty Debian image; the copy is made outside the clock. A time is
the wall time of the whole process, interpreter start, `e2fsck -fn` and commit included; the cases take turns.
Memory is the sum of the proportional set sizes of all its processes, sampled every 4 ms. Prints medians and
ratios. `e2fsck -fn` on the raw image, which nobody can do without, is timed in each round, too: it tells how
fast the machine was.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [ROOT, os.path.join(ROOT, "src")]

from guestwright.disk.image import open_image
from guestwright.disk.partitions.table import read_partitions
from lab.debian import Recipe, build, cache_directory
from tests.support.virt_sysprep import appliance_environment

GIB = 1 << 30
PROGRAM = os.path.join(os.path.dirname(sys.executable), "guestwright")


@dataclass(frozen=True, slots=True)
class Timing:
    """Wall seconds, peak memory in bytes, and the phases that the program reported (seconds)."""

    wall: float
    memory: int
    phases: dict[str, float]


def image(size: int, disk_format: str) -> str:
    """The benchmark image, built once."""
    path = os.path.join(cache_directory(), f"bench-{size // GIB}g.{disk_format}")
    if not os.path.exists(path):
        build(f"{path}.part", Recipe(profile="bench", size=size, format=disk_format))
        os.rename(f"{path}.part", path)
    return path


def process_memory(leader: int) -> int:
    """Sum of the proportional set sizes of a session's processes, bytes."""
    total = 0
    for name in os.listdir("/proc"):
        if not name.isdecimal():
            continue
        try:
            if os.getsid(int(name)) != leader:
                continue
            with open(f"/proc/{name}/smaps_rollup", encoding="ascii") as lines:
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except (OSError, ProcessLookupError):
            continue
    return total * 1024


def timed(argv: Sequence[str], env: dict[str, str], *, sample: bool) -> tuple[float, int, str]:
    """Run a whole process: (wall seconds, peak memory, standard output)."""
    started = time.perf_counter()
    child = subprocess.Popen(
        argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.is_set():
            peak = max(peak, process_memory(child.pid))
            done.wait(0.004)

    watcher = threading.Thread(target=watch)
    if sample:
        watcher.start()
    out, err = child.communicate()
    wall = time.perf_counter() - started
    done.set()
    if sample:
        watcher.join()
    if child.returncode != 0:
        raise SystemExit(f"{argv[0]} failed ({child.returncode}): {err.decode()[-2000:]}")
    return wall, peak, out.decode()


def seal(source: str, work: str, *, sample: bool) -> Timing:
    """One `guestwright seal run` on a fresh copy."""
    copy = os.path.join(work, os.path.basename(source))
    subprocess.run(["cp", "--sparse=always", source, copy], check=True)
    subprocess.run(["sync", "-f", copy], check=True)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    wall, memory, out = timed([PROGRAM, "seal", "run", "--json", "--no-manifest", copy], env, sample=sample)
    os.unlink(copy)
    return Timing(wall, memory, json.loads(out)["seconds"])


def peer(source: str, work: str, disk_format: str) -> float:
    """One virt-sysprep on a fresh copy: wall seconds."""
    copy = os.path.join(work, "peer")
    subprocess.run(["cp", "--sparse=always", source, copy], check=True)
    argv = ["virt-sysprep", "--format", disk_format, "-a", copy]
    wall, _, _ = timed(argv, appliance_environment(), sample=False)
    os.unlink(copy)
    return wall


def checker(source: str) -> list[str]:
    """The command line of `e2fsck -fn` on the largest partition of a raw image."""
    with open_image(source, format="raw", writable=False) as one:
        start = max(read_partitions(one.reader).partitions, key=lambda part: part.size).start
    return ["e2fsck", "-fn", f"{source}?offset={start}"]


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def measure(args: argparse.Namespace) -> list[dict[str, float | str]]:
    """All rows of the table."""
    rows: list[dict[str, float | str]] = []
    cases = [("raw, 4 GiB", 4, "raw"), ("qcow2, 4 GiB", 4, "qcow2"), ("raw, 40 GiB sparse", 40, "raw")]
    work = tempfile.mkdtemp(prefix="guestwright-bench-", dir=cache_directory())
    try:
        sources = [image(gib * GIB, disk_format) for _, gib, disk_format in cases]
        for source in sources:
            seal(source, work, sample=False)  # warm: page cache and byte code
        # In turns: a shared host is now faster and now slower.
        rounds, checks, check = [], [], checker(sources[0])
        for _ in range(args.runs):
            checks.append(timed(check, dict(os.environ), sample=False)[0])
            rounds.append([seal(source, work, sample=False) for source in sources])
        for (name, gib, disk_format), source, *runs in zip(cases, sources, *rounds, strict=True):
            memory = seal(source, work, sample=True).memory
            row: dict[str, float | str] = {
                "case": name,
                "seconds": median([one.wall for one in runs]),
                "min": min(one.wall for one in runs),
                "max": max(one.wall for one in runs),
                "memory": memory,
            }
            row["e2fsck"] = median(checks)
            for phase in runs[0].phases:
                row[f"phase {phase}"] = median([one.phases[phase] for one in runs])
            row["phase start and end"] = float(row["seconds"]) - sum(
                median([one.phases[p] for one in runs]) for p in runs[0].phases
            )
            if not args.no_peer and gib == 4:
                times = [peer(source, work, disk_format) for _ in range(args.peer_runs)]
                row["virt-sysprep"] = median(times)
                row["ratio"] = median(times) / float(row["seconds"])
            rows.append(row)
    finally:
        shutil.rmtree(work)
    return rows


def show(rows: list[dict[str, float | str]]) -> None:
    """The table."""
    print(f"{'case':20} {'median':>8} {'min':>8} {'max':>8} {'memory':>9} {'virt-sysprep':>13} {'ratio':>7}")
    for row in rows:
        other = f"{row['virt-sysprep']:11.1f} s" if "virt-sysprep" in row else f"{'-':>13}"
        ratio = f"{row['ratio']:6.0f}x" if "ratio" in row else f"{'-':>7}"
        print(
            f"{row['case']:20} {row['seconds']:6.3f} s {row['min']:6.3f} s {row['max']:6.3f} s "
            f"{float(row['memory']) / (1 << 20):5.0f} MiB {other} {ratio}"
        )
    print()
    for row in rows:
        phases = {
            name.removeprefix("phase "): float(value)
            for name, value in row.items()
            if name.startswith("phase ")
        }
        print(
            f"{row['case']:20} "
            + ", ".join(f"{name} {value * 1000:.0f} ms" for name, value in phases.items())
        )
    small, large = float(rows[0]["seconds"]), float(rows[-1]["seconds"])
    print(f"\n40 GiB costs {large / small:.2f} times what 4 GiB costs")
    alone = float(rows[0]["e2fsck"])
    print(f"e2fsck -fn alone on the raw 4 GiB: {alone * 1000:.0f} ms, the whole run {small / alone:.1f}x")


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=7, help="counted runs of guestwright per case")
    parser.add_argument("--peer-runs", type=int, default=1, help="runs of virt-sysprep per case")
    parser.add_argument("--no-peer", action="store_true", help="leave virt-sysprep out")
    parser.add_argument("--json", metavar="FILE", help="also write the rows as JSON")
    args = parser.parse_args()
    rows = measure(args)
    show(rows)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as stream:
            json.dump(rows, stream, indent=2)


if __name__ == "__main__":
    main()
