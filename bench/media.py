"""Our media beside genisoimage, pycdlib, and mformat with mcopy, in one run.

    python bench/media.py [--rounds 50] [--stream-rounds 5] [--stream-size BYTES] [--directory DIR]
                          [--large-directory DIR] [--json FILE]

Three questions:

- how long does a CD with Rock Ridge and Joliet take, and how large is it, with one file of 32 KiB and with
  ten of 16 KiB? Each ends as a file. "ours, created whole" goes the whole way of a payload: temporary name,
  owner and mode first, sync, rename; the others do none of this.
- how long does a floppy of 1.44 MB with the same files take?
- how long does a CD with a file of 2 GB take, against `cp` of that file?

The contenders take turns within each round, with some images each so that caches are warm for all; medians.
All is in one directory, by default in memory; the large file is where temporary files are.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "src")]

import pycdlib

from guestwright.media.fat import write_fat
from guestwright.media.fat_geometry import FLOPPY_SIZE
from guestwright.media.iso import write_iso
from guestwright.media.output import create
from guestwright.media.sink import DescriptorSink, measured
from guestwright.media.tree import MediaFile, MediaTree

TIME = 1_700_000_000
CASES = {
    "1 x 32 KiB": {"unattend.xml": b"u" * 32_768},
    "10 x 16 KiB": {f"file-{number}.txt": bytes([65 + number]) * 16_384 for number in range(10)},
}
BATCH = 5
Files = dict[str, bytes]
Maker = Callable[[Files, str, str], None]
Report = dict[str, Any]


def tree_of(files: Files) -> MediaTree:
    return MediaTree(files=tuple(MediaFile(path=f"/{name}", source=data) for name, data in files.items()))


def iso_to(files: Files, descriptor: int) -> None:
    write_iso(tree_of(files), DescriptorSink(descriptor), volume_id="CIDATA", time=TIME)


def floppy_to(files: Files, descriptor: int) -> None:
    sink = DescriptorSink(descriptor)
    write_fat(tree_of(files), sink, label="CIDATA", serial=1, time=TIME, size=FLOPPY_SIZE)


def plainly(write: Callable[[Files, int], None]) -> Maker:
    def make(files: Files, _: str, out: str) -> None:
        descriptor = os.open(out, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        write(files, descriptor)
        os.close(descriptor)

    return make


def whole(write: Callable[[Files, int], None]) -> Maker:
    def make(files: Files, _: str, out: str) -> None:
        with create(out) as descriptor:
            write(files, descriptor)

    return make


def by_genisoimage(_: Files, source: str, out: str, *options: str) -> None:
    command = ["genisoimage", "-quiet", "-R", "-J", *options, "-V", "CIDATA", "-o", out, source]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def by_genisoimage_unpadded(files: Files, source: str, out: str) -> None:
    by_genisoimage(files, source, out, "-no-pad")


def by_pycdlib(files: Files, _: str, out: str) -> None:
    disc = pycdlib.PyCdlib()
    disc.new(joliet=3, rock_ridge="1.09", vol_ident="CIDATA", interchange_level=3)
    for number, (name, data) in enumerate(files.items()):
        iso_path = f"/FILE{number}.;1"
        disc.add_fp(io.BytesIO(data), len(data), iso_path, rr_name=name, joliet_path=f"/{name}")
    disc.write(out)
    disc.close()


def by_mtools(files: Files, source: str, out: str) -> None:
    subprocess.run(["mformat", "-C", "-f", "1440", "-v", "CIDATA", "-i", out, "::"], check=True)
    paths = [os.path.join(source, name) for name in files]
    subprocess.run(["mcopy", "-i", out, *paths, "::"], check=True)


CDS: dict[str, Maker] = {
    "ours": plainly(iso_to),
    "ours, created whole": whole(iso_to),
    "pycdlib": by_pycdlib,
    "genisoimage": by_genisoimage,
    "genisoimage -no-pad": by_genisoimage_unpadded,
}
FLOPPIES: dict[str, Maker] = {
    "ours": plainly(floppy_to),
    "ours, created whole": whole(floppy_to),
    "mformat+mcopy": by_mtools,
}


def turns(makers: dict[str, Maker], files: Files, where: str, rounds: int) -> Report:
    """Milliseconds (median) and bytes of each."""
    source = os.path.join(where, "source")
    os.mkdir(source)
    for name, data in files.items():
        with open(os.path.join(source, name), "wb") as file:
            file.write(data)
    out = os.path.join(where, "image")
    taken: dict[str, list[float]] = {name: [] for name in makers}
    size: dict[str, int] = {}
    for number, (name, make) in itertools.product(range(rounds + 1), makers.items()):
        for again in range(BATCH):
            begin = time.perf_counter()
            make(files, source, out)
            if number and again:
                taken[name].append((time.perf_counter() - begin) * 1000)
            size[name] = os.stat(out).st_size
            os.unlink(out)
    shutil.rmtree(source)
    return {name: {"ms": statistics.median(taken[name]), "bytes": size[name]} for name in makers}


def stream(where: str, size: int, rounds: int) -> Report:
    """Seconds (median) of a CD with one large file, and of `cp`; neither syncs."""
    source, out = os.path.join(where, "large"), os.path.join(where, "large.out")
    with open(source, "wb") as file:
        block = os.urandom(1 << 20)
        file.writelines(itertools.repeat(block, size >> 20))
        os.fsync(file.fileno())

    def ours() -> None:
        tree = MediaTree(files=(MediaFile(path="/large", source=measured(source)),))
        descriptor = os.open(out, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        write_iso(tree, DescriptorSink(descriptor), volume_id="LARGE", time=TIME)
        os.close(descriptor)

    def copied() -> None:
        subprocess.run(["cp", "--reflink=never", source, out], check=True)

    contenders = {"ours": ours, "cp": copied}
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, make in contenders.items():
            begin = time.perf_counter()
            make()
            taken[name].append(time.perf_counter() - begin)
            os.unlink(out)
    os.unlink(source)
    return {name: {"s": statistics.median(each), "all": each} for name, each in taken.items()}


def show(title: str, report: Report, unit: str) -> None:
    ours = report["ours"][unit]
    print(f"\n{title}")
    for name, each in report.items():
        size = f"{each['bytes']:>10,} bytes" if "bytes" in each else ""
        times = "" if name.startswith("ours") else f"  ours takes 1/{each[unit] / ours:.1f}"
        print(f"  {name:<22}{each[unit]:>9.3f} {unit}  {size}{times}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--stream-rounds", type=int, default=5)
    parser.add_argument("--stream-size", type=int, default=2 << 30)
    parser.add_argument("--directory", default="/dev/shm")
    parser.add_argument("--large-directory", default=tempfile.gettempdir())
    parser.add_argument("--json", help="also write the numbers to this file")
    chosen = parser.parse_args()
    report: Report = {}
    with tempfile.TemporaryDirectory(dir=chosen.directory) as where:
        for case, files in CASES.items():
            for medium, makers in (("CD", CDS), ("floppy", FLOPPIES)):
                title = f"{medium}, {case}"
                report[title] = turns(makers, files, where, chosen.rounds)
                show(title, report[title], "ms")
    if chosen.stream_rounds:
        with tempfile.TemporaryDirectory(dir=chosen.large_directory) as where:
            report["stream"] = stream(where, chosen.stream_size, chosen.stream_rounds)
        show(f"CD with one file of {chosen.stream_size:,} bytes, and cp of it", report["stream"], "s")
    if chosen.json:
        with open(chosen.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)


if __name__ == "__main__":
    main()
