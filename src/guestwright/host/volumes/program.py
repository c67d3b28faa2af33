"""The process in which other people's tools are run and machines are sealed, one errand each.

    python -m guestwright.host.volumes.program

Theory of operation: the service has many threads, and a process that forks from one of them could find any
lock held for ever in its child. So what forks (confined tools, the worker that parses a guest's disk) is
done by this program, which has one thread. It reads one line of JSON, the errand, and writes lines of JSON:
steps, then the result or the error. Before it changes an image for good it asks, and goes on when it is
answered. It dies with the service.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any, Final

from guestwright.base.errors import GuestwrightError
from guestwright.confine.privileges import die_with_parent
from guestwright.host.volumes.line import say

_ERRANDS: Final = {"seal": "seal_errand", "qemu-img": "tool_errand"}
_LINE_MAX: Final = 1 << 20


def main() -> int:
    """Do the errand on standard input; 0 if its result or its error was told."""
    order = json.loads(sys.stdin.buffer.readline(_LINE_MAX))
    die_with_parent(order["parent"])
    try:
        # One of them only: sealing takes a tenth of a second to load.
        errand = import_module(f"guestwright.host.volumes.{_ERRANDS[order['do']]}")
        answer: dict[str, Any] = {"result": errand.do(order)}
    except GuestwrightError as error:
        answer = {"error": error.as_dict()}
    say(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
