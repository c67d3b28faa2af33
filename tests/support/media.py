"""Trees for media, and what other people's tools read from an image."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pycdlib
from hypothesis import strategies as st

from guestwright.media.names import folded
from guestwright.media.sink import DescriptorSink, MemorySink, Sink
from guestwright.media.tree import MediaFile, MediaTree

TIME = 1_700_000_000
Contents = dict[str, bytes | None]
"""Path to contents; None for a folder."""

_SIZES = st.sampled_from([0, 1, 511, 512, 513, 2047, 2048, 2049, 4095, 4096, 4097, 40_000])
_PORTABLE = st.characters(
    codec="utf-8",
    min_codepoint=0x20,
    max_codepoint=0xFFFD,
    exclude_categories=["Cs", "Cc", "Cn", "Co"],
    exclude_characters='\\/:*?"<>|',
)
_SHORT = st.text(_PORTABLE, min_size=1, max_size=20)
_LONG = st.builds(
    lambda start, tail, end: start + "x" * tail + end,
    st.sampled_from(["", "a", "é", "same name "]),
    st.integers(24, 230),
    st.sampled_from(["1", "2", "3.txt", "4.txt", ".longextension", "é"]),
)
_EVERYDAY = st.sampled_from(
    ["user-data", "meta-data", "Readme.TXT", "a b.txt", "a_b.txt", "a+b.txt", "config", "LATEST", "1.2.3.4"]
)
NAMES = st.one_of(_EVERYDAY, _SHORT, _LONG).filter(
    lambda name: name.strip(" .") == name and name not in {"", ".", ".."} and len(name.encode()) <= 255
)
RESERVED = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    f"{a}{b}" for a in ("COM", "LPT") for b in "0123456789¹²³"
}


@st.composite
def trees(draw: st.DrawFn, names: st.SearchStrategy[str] = NAMES) -> Contents:
    """A tree of files and folders without names that clash or that Windows keeps to itself."""
    folders = [""]
    found: Contents = {}
    seen: set[tuple[str, str]] = set()
    for _ in range(draw(st.integers(0, 14))):
        parent, name = draw(st.sampled_from(folders)), draw(names)
        if name.split(".")[0].rstrip().upper() in RESERVED or (parent, folded(name)) in seen:
            continue
        seen.add((parent, folded(name)))
        path = f"{parent}/{name}"
        if len(path.encode()) > 600:
            continue
        if draw(st.booleans()) and draw(st.booleans()):
            folders.append(path)
            found[path] = None
        else:
            size = draw(_SIZES)
            found[path] = (path.encode() * (size // len(path) + 1))[:size]
    return found


def tree_of(contents: Contents) -> MediaTree:
    """The tree as our writers take it."""
    return MediaTree(
        files=tuple(MediaFile(path=path, source=data) for path, data in contents.items() if data is not None),
        directories=tuple(path for path, data in contents.items() if data is None),
    )


def in_memory(write: Callable[[Sink], object]) -> bytes:
    """The image that a writer makes."""
    sink = MemorySink()
    write(sink)
    return sink.getvalue()


def in_file(path: Path, write: Callable[[Sink], object]) -> None:
    """Let a writer write a fresh file."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write(DescriptorSink(descriptor))
    finally:
        os.close(descriptor)


def run(*command: str | Path, data: bytes = b"", ok: tuple[int, ...] = (0,)) -> bytes:
    """What a tool says; its failure fails the test."""
    env = {**os.environ, "LC_ALL": "C.UTF-8", "MTOOLS_SKIP_CHECK": "0"}
    done = subprocess.run(
        [str(one) for one in command], input=data, capture_output=True, timeout=120, check=False, env=env
    )
    assert done.returncode in ok, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def on_disk(top: Path) -> Contents:
    """The tree of a directory of this host."""
    found: Contents = {}
    for here, folders, files in os.walk(top):
        inside = "/" + os.path.relpath(here, top) if Path(here) != top else ""
        for name in folders:
            found[f"{inside}/{name}"] = None
        for name in files:
            found[f"{inside}/{name}"] = Path(here, name).read_bytes()
    return found


def by_xorriso(image: Path, top: Path) -> Contents:
    """The Rock Ridge tree as xorriso extracts it."""
    run("xorriso", "-osirrox", "on", "-indev", image, "-extract", "/", top)
    run("chmod", "-R", "u+rwX", top)
    return on_disk(top)


def by_pycdlib(image: bytes, facade: str) -> Contents:
    """The tree as pycdlib reads it.

    Args:
        image: the whole of it.
        facade: `rr`, `joliet` or `iso`.
    """
    disc = pycdlib.PyCdlib()
    disc.open_fp(io.BytesIO(image))
    found: Contents = {}
    try:
        for here, folders, files in disc.walk(**{f"{facade}_path": "/"}):
            inside = here.rstrip("/")
            for name in folders:
                found[f"{inside}/{name}"] = None
            for name in files:
                data = io.BytesIO()
                disc.get_file_from_iso_fp(data, **{f"{facade}_path": f"{inside}/{name}"})
                found[f"{inside}/{name.removesuffix(';1')}"] = data.getvalue()
    finally:
        disc.close()
    return found


def listed_by_isoinfo(image: Path, kind: str) -> list[str]:
    """The paths as isoinfo lists them; it shows `_` for what is not Latin in Joliet names.

    Args:
        image: a file.
        kind: `-R` or `-J`.
    """
    text = run("isoinfo", kind, "-f", "-i", image).decode("utf-8", "replace")
    return sorted(line.removesuffix(";1") for line in text.split("\n") if line)


def by_mtools(image: Path, top: Path) -> Contents:
    """The tree as mtools extract it."""
    top.mkdir()
    if run("mdir", "-b", "-i", image, "::/", ok=(0, 1)):
        run("mcopy", "-s", "-n", "-i", image, "::*", top)
    return on_disk(top)
