"""Debian packages as streams of files, and what an installed system's package database says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lab import ext


def download(names: Sequence[str], directory: str) -> list[str]:
    """Fetch packages with apt into a directory; their paths, in the order of the names.

    Raises:
        lab.ext.ToolFailed: apt has no such package, or its lists are missing (`apt-get update`).
    """
    with tempfile.TemporaryDirectory(prefix="lab-apt-", dir=directory) as scratch:
        os.chmod(scratch, 0o777)  # apt drops privileges while it downloads
        done = subprocess.run(
            ["apt-get", "-qq", "download", *names],
            cwd=scratch,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        found = {one.split("_")[0]: one for one in os.listdir(scratch) if one.endswith(".deb")}
        if done.returncode or set(found) != set(names):
            raise ext.ToolFailed(f"apt-get download {' '.join(names)}: {done.stderr.strip()[-800:]}")
        for file in found.values():
            shutil.move(os.path.join(scratch, file), os.path.join(directory, file))
    return [os.path.join(directory, found[name]) for name in names]


def kernel_package() -> str:
    """The package that `linux-image-amd64` depends on at present."""
    said = ext.run(["apt-cache", "depends", "linux-image-amd64"]).decode()
    found = re.search(r"Depends: (linux-image-[0-9]\S+)", said)
    if found is None:
        raise ext.ToolFailed("apt-cache depends linux-image-amd64: no kernel (has apt-get update run?)")
    return found[1]


@contextmanager
def opened(deb: str) -> Iterator[tarfile.TarFile]:
    """The files of a package, to be read once from first to last."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
            yield tar
        process.stdout.read()  # what follows the tar's end mark
    if process.returncode:
        raise ext.ToolFailed(f"dpkg-deb --fsys-tarfile {deb}: exit status {process.returncode}")


def closure(status: str, wanted: Sequence[str]) -> set[str]:
    """Packages and all that they depend on.

    Args:
        status: text of var/lib/dpkg/status.
        wanted: names of packages that are installed.
    """
    needs: dict[str, list[str]] = {}
    for stanza in status.split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", stanza, re.MULTILINE))
        if "Package" in fields:
            text = f"{fields.get('Depends', '')},{fields.get('Pre-Depends', '')}"
            needs[fields["Package"]] = re.findall(r"[a-z0-9][a-z0-9+.-]+(?=\s*(?:[(,|:]|$))", text)
    found: set[str] = set()
    todo = list(wanted)
    while todo:
        name = todo.pop()
        if name in needs and name not in found:
            found.add(name)
            todo.extend(needs[name])
    return found
