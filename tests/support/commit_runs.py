"""Commits in a process of their own, to be killed at any moment.

As a program: `commit_runs.py SEED IMAGE…` opens the images for writing, tells so, and commits
`extents(SEED, …)`.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from guestwright.base.errors import GuestwrightError
from guestwright.disk.image import open_image
from guestwright.disk.redo import CommitPart, commit

SIZE = 16 << 20
ROOT = Path(__file__).parents[2]


def extents(seed: int, disk: int, *, count: int = 120) -> list[tuple[int, bytes]]:
    """Writes that do not overlap: (offset, bytes), ascending."""
    choice = random.Random(seed * 1000 + disk)
    places = sorted(choice.sample(range(SIZE // 65536), count))
    found = [
        (at * 65536 + 4096 * choice.randrange(8), choice.randbytes(choice.choice([4096, 20480])))
        for at in places
    ]
    return [*found, (SIZE - 512, choice.randbytes(512))] if places[-1] * 65536 < SIZE - 65536 else found


def after(content: bytes, writes: Sequence[tuple[int, bytes]]) -> bytes:
    """The content with the writes in it."""
    new = bytearray(content)
    for offset, data in writes:
        new[offset : offset + len(data)] = data
    return bytes(new)


def make_image(path: Path, image_format: str, seed: int) -> bytes:
    """Create a half-filled image; returns the content of its disk."""
    content = random.Random(seed).randbytes(SIZE // 2) + bytes(SIZE // 2)
    if image_format == "raw":
        with path.open("wb") as file:
            file.truncate(SIZE)
            file.write(content[: SIZE // 2])
        return content
    source = path.with_suffix(".source")
    source.write_bytes(content)
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", image_format, source, path], check=True)
    source.unlink()
    return content


def format_of(path: Path | str) -> str:
    """The format that the test gave an image, by its suffix."""
    return Path(path).suffix.removeprefix(".")


def start(seed: int, images: Sequence[Path], **environment: str) -> subprocess.Popen[str]:
    """Start a commit in a process of its own."""
    path = f"{ROOT / 'src'}:{ROOT}"
    return subprocess.Popen(
        [sys.executable, __file__, str(seed), *map(str, images)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def content_of(path: Path) -> bytes:
    """What the disk in an image holds, after anything pending was finished."""
    with open_image(str(path), format=format_of(path)) as image:
        return image.device.read(0, image.device.size)


def main(arguments: list[str]) -> int:
    """Commit; exits with the error's status, its code on standard output."""
    seed, *paths = arguments
    try:
        images = [open_image(path, format=format_of(path), writable=True) for path in paths]
        for image in images:
            image.device.read(0, 512)
        print("open", flush=True)
        commit(CommitPart(image=image, writes=extents(int(seed), disk)) for disk, image in enumerate(images))
        print("committed", flush=True)
        for image in images:
            image.close()
    except GuestwrightError as error:
        print(error.code, flush=True)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
