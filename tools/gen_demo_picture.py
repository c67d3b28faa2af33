"""Draw docs/pictures/demo.svg out of what `make demo` has printed.

    uv run python lab/story.py --report demo.txt
    uv run --with rich python tools/gen_demo_picture.py demo.txt

Output of a command that is longer than some lines is shortened, and said to be; nothing is made up.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).parents[1]
_WIDTH = 120
_LINES = 7  # of one command
_LEFT_OUT = ("$ guestwright seal run",)  # has a picture of its own


def shortened(report: list[str]) -> list[str]:
    """Commands with the first lines of what they print."""
    kept: list[str] = []
    count, out = 0, False
    for line in report:
        if line.startswith(("$", "#")) or not line:
            out, count = line.startswith(_LEFT_OUT), 0
        else:
            count += 1
        if out or count > _LINES + 1:
            continue
        kept.append("  …" if count == _LINES + 1 else line)
    return kept


def main() -> None:
    """Read, shorten, draw."""
    report = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True)
    for line in shortened(report):
        style = "bold green" if line.startswith("$") else "bold" if line.startswith("#") else ""
        console.print(Text(line, style=style), overflow="ellipsis", no_wrap=True)
    console.save_svg(str(ROOT / "docs" / "pictures" / "demo.svg"), title="make demo", theme=MONOKAI)


if __name__ == "__main__":
    main()
