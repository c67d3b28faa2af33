"""Draw docs/pictures/seal.svg: a terminal in which a real image is planned, sealed and verified.

    uv run --with rich python tools/gen_picture.py

Runs the program on a small image that it builds first; long output is shortened, nothing is made up.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from lab.debian import Recipe, build

_WIDTH = 112
_STEPS = (
    ("plan web1.img", 18, 2),
    ("run web1.img", 40, 40),
    ("verify web1.img", 40, 40),
)


def colourful(arguments: list[str], folder: str) -> list[str]:
    """Run guestwright on a terminal of its own and return what it printed, colours included."""
    program = Path(sys.executable).with_name("guestwright")
    command = f"stty cols {_WIDTH} rows 50; {program} {' '.join(arguments)}"
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"],
        cwd=folder,
        env={**os.environ, "TERM": "xterm-256color"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    text = done.stdout.decode().replace("\r\n", "\n").rstrip("\n")
    return [line.rsplit("\r", 1)[-1].removeprefix("\x1b[K") for line in text.split("\n")]


def main() -> None:
    """Build, run, draw."""
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True)
    with tempfile.TemporaryDirectory() as folder:
        build(os.path.join(folder, "web1.img"), Recipe(profile="demo", size=1 << 30))
        for step, head, tail in _STEPS:
            console.print(Text(f"$ guestwright seal {step}", style="bold green"))
            options = ["--yes"] if step.startswith("run") else []
            lines = [
                line.replace(f"{folder}/", "")
                for line in colourful(["seal", *step.split(), *options], folder)
            ]
            shown = lines if len(lines) <= head + tail else [*lines[:head], "  …", *lines[-tail:]]
            for line in shown:
                console.print(Text.from_ansi(line), overflow="ellipsis", no_wrap=True)
            console.print()
    target = ROOT / "docs" / "pictures" / "seal.svg"
    console.save_svg(str(target), title="guestwright seal", theme=MONOKAI)


if __name__ == "__main__":
    main()
