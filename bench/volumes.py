"""Copies of a sparse volume beside cp and qemu-img, and what a durable job costs, in one run.

    python bench/volumes.py [--rounds 5] [--size BYTES] [--data BYTES] [--directory DIR] [--jobs 200]
                            [--json FILE]

- A raw image of 4 GiB with 512 MiB of data in pieces of 4 KiB to 2 MiB is copied: by the verb (with its
  metadata and flushes; never sharing blocks, which would cost nothing anywhere), by cp and by qemu-img. The
  others' copies are flushed to the disk too, within their time. All must have the same content, which
  qemu-img compares, and about the same blocks.
- The same image becomes a qcow2 image, by the verb and by qemu-img alone.
- A job that does nothing: from its submission until its end is known, one after the other; both are durable.

The contenders take turns within each round; medians.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "src")]

from guestwright.host.jobs.alone import Alone
from guestwright.host.jobs.jobs import Jobs
from guestwright.host.jobs.kind import Kind
from guestwright.host.jobs.store import JobStore
from guestwright.host.volumes.copy import Copy, copy
from guestwright.host.volumes.create import Create, create
from guestwright.host.volumes.delete import delete
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.metadata import Format

Report = dict[str, Any]
Contender = Callable[[Domain, str, str], None]


def fill(path: str, size: int, data: int) -> None:
    """Data in pieces all over the file, the same in each run."""
    choice = random.Random(11)
    with open(path, "r+b", buffering=0) as stream:
        left = data
        while left > 0:
            piece = min(left, choice.choice([4, 16, 64, 256, 1024, 2048]) << 10)
            stream.seek(choice.randrange(0, size - piece) & ~4095)
            stream.write(choice.randbytes(piece))
            left -= piece
        os.fsync(stream.fileno())


def by_verb(image_format: Format) -> Contender:
    def run(domain: Domain, source: str, target: str) -> None:
        del source
        name = os.path.basename(target).split(".")[0]
        wanted = Copy(source="source", volume=name, format=image_format)
        copy(domain, domain, wanted, Alone("bench"), now=0.0, clone=False)

    return run


def by_tool(*argv: str) -> Contender:
    def run(domain: Domain, source: str, target: str) -> None:
        del domain
        subprocess.run([*argv, source, target], check=True)
        descriptor = os.open(target, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)

    return run


CASES: dict[str, dict[str, Contender]] = {
    "raw": {
        "ours": by_verb(Format.RAW),
        "cp --sparse=auto": by_tool("cp", "--reflink=never", "--sparse=auto"),
        "cp --sparse=always": by_tool("cp", "--reflink=never", "--sparse=always"),
        "qemu-img convert": by_tool("qemu-img", "convert", "-f", "raw", "-O", "raw"),
    },
    "qcow2": {
        "ours": by_verb(Format.QCOW2),
        "qemu-img convert": by_tool("qemu-img", "convert", "-f", "raw", "-O", "qcow2"),
    },
}


def measure_copies(domain: Domain, image_format: str, rounds: int) -> Report:
    source = os.path.join(domain.path, "source.raw")
    seconds: dict[str, list[float]] = {name: [] for name in CASES[image_format]}
    blocks: dict[str, int] = {}
    for number in range(rounds):
        for name, run in CASES[image_format].items():
            target = os.path.join(domain.path, f"copy.{image_format}")
            os.sync()
            begin = time.monotonic()
            run(domain, source, target)
            seconds[name].append(time.monotonic() - begin)
            blocks[name] = os.stat(target).st_blocks * 512
            if number == 0:
                argv = ["qemu-img", "compare", "-q", "-f", "raw", "-F", image_format, source, target]
                subprocess.run(argv, check=True)
            if not delete(domain, "copy"):
                os.unlink(target)
    return {name: {**summary(found), "allocated": blocks[name]} for name, found in seconds.items()}


def measure_jobs(directory: str, count: int) -> Report:
    found = []
    with JobStore(os.path.join(directory, "jobs.db")) as store:
        jobs = Jobs(store, [Kind(name="nothing", run=lambda _: None)], threads=2)
        jobs.start()
        for _ in range(count):
            begin = time.monotonic()
            job = jobs.submit("nothing", {})
            assert jobs.wait(job.id, 60).status.ended
            found.append(time.monotonic() - begin)
        jobs.stop()
    return summary(found)


def summary(seconds: list[float]) -> Report:
    return {
        "median": round(statistics.median(seconds), 4),
        "min": round(min(seconds), 4),
        "max": round(max(seconds), 4),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=4 << 30)
    parser.add_argument("--data", type=int, default=512 << 20)
    parser.add_argument("--directory", default="/var/tmp")
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="bench-volumes-") as top:
        report: Report = {"size": options.size, "data": options.data, "rounds": options.rounds}
        with Domain(os.path.join(top, "domain"), make=True) as domain:
            wanted = Create(volume="source", format=Format.RAW, size=options.size)
            made = create(domain, wanted, Alone("bench"), now=0.0)
            fill(domain.data_path(made), options.size, options.data)
            for image_format in CASES:
                report[image_format] = measure_copies(domain, image_format, options.rounds)
        report["job"] = measure_jobs(top, options.jobs)
    for case in (*CASES, "job"):
        print(case)
        lines = {"job": report["job"]} if case == "job" else report[case]
        for name, one in lines.items():
            size = f", {one['allocated'] >> 20} MiB on disk" if "allocated" in one else ""
            print(f"  {name:20} {one['median']:8.4f} s ({one['min']} to {one['max']}){size}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as stream:
            json.dump(report, stream, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
