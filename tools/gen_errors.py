"""Write docs/errors.md from the error classes. `--check` only says whether the page is up to date."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

import guestwright
from guestwright.base.errors import GuestwrightError

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"
HEAD = """# Errors

Written by `tools/gen_errors.py` from the classes. Clients match on the code; the message is for people.
With `--json` an error is `{"error": {"code", "message", "hint", "params"}}` on standard output.

Exit codes: 0 done · 1 failed, nothing changed · 2 wrong usage · 3 verify found leftovers · 4 guest or
host not supported · 5 a commit was interrupted; the next command on the image completes it · 130 interrupted
by the user.

| code | exit | HTTP | message | what to do |
|---|---|---|---|---|
"""


def classes() -> list[type[GuestwrightError]]:
    """Every error class, sorted by code."""
    for module in pkgutil.walk_packages(guestwright.__path__, "guestwright."):
        if module.name.endswith(".errors"):
            importlib.import_module(module.name)
    found: list[type[GuestwrightError]] = []
    todo = [GuestwrightError]
    while todo:
        one = todo.pop()
        found.append(one)
        todo.extend(one.__subclasses__())
    return sorted(found, key=lambda one: one.code)


def page() -> str:
    """The whole page."""
    rows = [
        f"| `{one.code}` | {one.exit_status} | {int(one.http_status)} "
        f"| {_cell(one.template)} | {_cell(one.hint)} |\n"
        for one in classes()
    ]
    return HEAD + "".join(rows)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> int:
    """Write or check."""
    text = page()
    if "--check" in sys.argv:
        if PAGE.read_text() == text:
            return 0
        sys.stderr.write("docs/errors.md is stale: run `make docs`\n")
        return 1
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
