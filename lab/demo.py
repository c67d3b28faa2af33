"""What Guestwright does, shown on a Debian disk that this script builds, dirties, seals and checks.

    make demo        (or: python lab/demo.py [--small] [--keep DIRECTORY])

Every command is printed before it runs. The last word is not ours: e2fsck checks the filesystem, debugfs
shows the files, and a search for the marker of all artefacts shows what is left of them.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lab import ext, small
from lab.artefacts import CANARY, Item, artefacts, tree

_SHOWN = 30
_EXIT_LEFTOVERS = 3
_MIB = 1 << 20
_PLAIN = re.compile(r"[A-Za-z0-9._@+:/~-]+").fullmatch  # what debugfs takes without quotes


class DemoFailed(Exception):
    """A step did not do what it shows; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The disk of the demonstration. `offset`: byte where its root filesystem starts; `items`: planted."""

    path: str
    offset: int
    items: list[Item]


def say(text: str) -> None:
    """A line between the commands."""
    print(f"\n\033[1m# {text}\033[0m" if sys.stdout.isatty() else f"\n# {text}", flush=True)


def show(shown: str, argv: Sequence[str], *, expect: int = 0, shorten: bool = True) -> str:
    """Print a command, run it, print its output and time.

    Args:
        shown: the command as a person would type it.
        argv: what is really run.
        expect: exit status that it must end with.
        shorten: print only the first lines of long output.

    Returns:
        Its standard output.

    Raises:
        DemoFailed: another exit status.
    """
    print(f"$ {shown}", flush=True)
    start = time.monotonic()
    done = subprocess.run(list(argv), capture_output=True, text=True, errors="replace", check=False)
    seconds = time.monotonic() - start
    lines = (done.stdout + done.stderr).splitlines()
    for line in lines[:_SHOWN] if shorten else lines:
        print(f"  {line}")
    if shorten and len(lines) > _SHOWN:
        print(f"  … and {len(lines) - _SHOWN} lines more")
    print(f"  ({seconds:.2f} s, exit status {done.returncode})", flush=True)
    if done.returncode != expect:
        raise DemoFailed(f"{shown}: exit status {done.returncode}, expected {expect}")
    return done.stdout


def guestwright(words: str, *, expect: int = 0) -> str:
    """Run our own command line, in the directory of the disks."""
    return show(
        f"guestwright {words}", [sys.executable, "-m", "guestwright.cli", *words.split()], expect=expect
    )


def debian_disk(path: str) -> Disk:
    """A disk with a real, small Debian 12 in one partition, and an artefact for every operation."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "debian.py")
    subprocess.run([sys.executable, script, path, "--profile", "demo", "--size", "1G"], check=True)
    return Disk(path=path, offset=_MIB, items=artefacts())


def small_disk(path: str, scratch: str) -> Disk:
    """A bare 16 MiB filesystem with a tree that only looks like Debian: needs no packages and no network."""
    root = os.path.join(scratch, "tree")
    small.image(path, root, "ext4", items=small.plant_tree(root))
    return Disk(path=path, offset=0, items=tree())


def remaining(disk: Disk) -> list[str]:
    """Paths of planted artefacts that still hold their marker, by debugfs' word."""
    marked = [item.path for item in disk.items if CANARY.encode() in item.content and _PLAIN(item.path)]
    paths = _existing(disk, marked)
    with tempfile.TemporaryDirectory(prefix="lab-demo-") as scratch:
        copies = [os.path.join(scratch, str(number)) for number in range(len(paths))]
        commands = [f"dump {path} {copy}" for path, copy in zip(paths, copies, strict=True)]
        ext.debugfs(disk.path, commands, offset=disk.offset)
        return [path for path, copy in zip(paths, copies, strict=True) if _has_marker(copy)]


def _has_marker(copy: str) -> bool:
    with open(copy, "rb") as stream:
        return CANARY.encode() in stream.read()


def _existing(disk: Disk, paths: Sequence[str]) -> list[str]:
    script = "".join(f"stat {path}\n" for path in paths).encode()
    done = subprocess.run(
        ["debugfs", "-f", "-", ext.at(disk.path, disk.offset)],
        input=script,
        capture_output=True,
        check=False,
        env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"},
    )
    missing = {line.partition(": File not found")[0] for line in done.stderr.decode().splitlines()}
    return [path for path in paths if path not in missing]


def names(disk: Disk, directory: str) -> str:
    """The names in a directory, by debugfs' word."""
    told = ext.debugfs(disk.path, [f"ls -p {directory}"], offset=disk.offset)
    found = [line.split("/")[5] for line in told.splitlines() if line.startswith("/")]
    return "  ".join(name for name in found if name not in {".", ".."}) or "(empty)"


def check(disk: Disk) -> None:
    """What other people's tools say of the sealed disk.

    Raises:
        DemoFailed: e2fsck complains, the machine id is still there, or a decoy is gone.
    """
    shown = f"demo.img?offset={disk.offset}" if disk.offset else "demo.img"
    if complaint := ext.check(disk.path, offset=disk.offset):
        raise DemoFailed(f"e2fsck: {complaint}")
    print(f"$ e2fsck -fn {shown}\n  clean")
    machine_id = ext.debugfs(disk.path, ["cat /etc/machine-id"], offset=disk.offset).split("\n", 1)[1].strip()
    print(f"$ debugfs -R 'cat /etc/machine-id' {shown}\n  {machine_id or '(empty)'}")
    for directory in ("/etc/ssh", "/tmp", "/root"):
        print(f"$ debugfs -R 'ls {directory}' {shown}\n  {names(disk, directory)}")
    if machine_id not in {"", "uninitialized"}:
        raise DemoFailed("the machine id is still there")
    decoys = [item.path for item in disk.items if not item.op and _PLAIN(item.path)]
    if gone := set(decoys) - set(_existing(disk, decoys)):
        raise DemoFailed(f"sealing took what it should keep: {sorted(gone)[:5]}")
    left = remaining(disk)
    say(f"Of {sum(1 for item in disk.items if item.op)} artefacts {len(left)} still hold their marker.")
    print("  They belong to other distributions, to optional operations, or to the notes above:")
    print("  " + ", ".join(left[:6]) + (", …" if len(left) > 6 else ""))


def demonstrate(disk: Disk, built: float) -> None:
    """The demonstration itself."""
    size = os.stat(disk.path)
    say(
        f"demo.img: {size.st_size // _MIB} MiB ({size.st_blocks // 2048} MiB used), built in {built:.0f} s, "
        f"with {sum(1 for item in disk.items if item.op)} artefacts of its former life"
    )
    say("Is it a template? No: verify lists what identifies the machine.")
    guestwright("seal verify demo.img", expect=_EXIT_LEFTOVERS)
    say("What would sealing do? A plan changes nothing.")
    guestwright("seal plan demo.img")
    say("Seal it: all or nothing, no virtual machine, no mount.")
    guestwright("seal run demo.img")
    say("Verify again.")
    guestwright("seal verify demo.img")
    say("And what do others say?")
    check(disk)


def main(argv: Sequence[str]) -> int:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="lab/demo.py", description="Show what Guestwright does.")
    parser.add_argument(
        "--small", action="store_true", help="a 16 MiB image of a make-believe Debian: no packages"
    )
    parser.add_argument("--keep", metavar="DIRECTORY", help="work there and leave the images")
    args = parser.parse_args(argv)
    directory = os.path.abspath(args.keep) if args.keep else tempfile.mkdtemp(prefix="guestwright-demo-")
    os.makedirs(directory, exist_ok=True)
    start = time.monotonic()
    try:
        path = os.path.join(directory, "demo.img")
        say("Build a disk out of Debian packages, and dirty it.")
        disk = small_disk(path, directory) if args.small else debian_disk(path)
        built = time.monotonic() - start
        os.chdir(directory)
        demonstrate(disk, built)
    except DemoFailed as failure:
        print(f"\ndemo failed: {failure}", file=sys.stderr)
        return 1
    finally:
        if not args.keep:
            shutil.rmtree(directory, ignore_errors=True)
    say(f"All of it took {time.monotonic() - start:.1f} s.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
