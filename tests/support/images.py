"""Images for tests: made once per process, handed out as copies that cost little.

image = small_copy(tmp_path, variant="ext4-1k")
image = debian_copy(tmp_path, Recipe(profile="server", report=True))
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lab import debian, small
from lab.artefacts import Item
from lab.debian import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image of a test's own. `offset`: byte of its root filesystem; `items`: what was planted."""

    path: str
    offset: int
    items: tuple[Item, ...]


@functools.cache
def _scratch() -> str:
    path = tempfile.mkdtemp(prefix="lab-images-")
    owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(path, ignore_errors=True) if os.getpid() == owner else None)
    return path


@functools.cache
def _tree(system: str, beyond: bool) -> tuple[str, tuple[Item, ...]]:
    root = os.path.join(_scratch(), f"tree-{system}-{int(beyond)}")
    return root, tuple(small.plant_tree(root, system, beyond=beyond))


def small_original(variant: str = "ext4", system: str = "debian12", *, beyond: bool = True) -> Image:
    """The original of a small image: read it, copy it, never write to it."""
    return _small(variant, system, beyond)


@functools.cache
def _small(variant: str, system: str, beyond: bool) -> Image:
    root, items = _tree(system, beyond)
    path = os.path.join(_scratch(), f"{system}-{variant}-{int(beyond)}.img")
    small.image(path, root, variant, items=list(items))
    return Image(path=path, offset=0, items=items)


def small_copy(
    directory: Path,
    *,
    variant: str = "ext4",
    system: str = "debian12",
    beyond: bool = True,
    name: str = "x.img",
) -> Image:
    """A copy of a small image in a test's directory."""
    return copy(small_original(variant, system, beyond=beyond), directory, name)


def debian_original(recipe: Recipe) -> Image:
    """The original of a Debian image, kept beside the tars in var/cache; read only, never write to it."""
    # the builder's own source is part of the key: a changed lab makes new images
    lab = Path(debian.__file__).parent
    sources = b"".join(path.read_bytes() for path in sorted(lab.rglob("*.py")))
    key = hashlib.sha256(repr(recipe).encode() + sources).hexdigest()[:16]
    path = os.path.join(debian.cache_directory(), f"image-{key}.{recipe.format}")
    first = 0 if recipe.layout == "bare" else (257 if recipe.layout == "boot" else 1) << 20
    if not os.path.exists(path):
        part = f"{path}.{os.getpid()}.part"
        debian.build(part, recipe)
        os.rename(part, path)
    return Image(path=path, offset=first, items=())


def debian_copy(directory: Path, recipe: Recipe, *, name: str = "x.img") -> Image:
    """A sparse copy of a Debian image in a test's directory."""
    return copy(debian_original(recipe), directory, name)


def copy(image: Image, directory: Path, name: str) -> Image:
    """A sparse copy."""
    path = str(directory / name)
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", image.path, path], check=True)
    return Image(path=path, offset=image.offset, items=image.items)
