"""The program of `compaction`: makes a store's next checkpoint of the last one and its journal."""

from __future__ import annotations

import os
import sys
from typing import Final

from guestwright.xenstore.server.errors import StateNotSaved, UnusableState
from guestwright.xenstore.server.recovery import compacted
from guestwright.xenstore.server.state_file import write_state

_NICE: Final = 10  # guests' requests go first


def main(path: str, made: str, number: str) -> int:
    """Make a checkpoint; the exit status.

    Args:
        path: of the one before it.
        made: path of the new one.
        number: of the new one.
    """
    try:
        write_state(made, compacted(path, int(number) - 1), number=int(number))
    except (StateNotSaved, UnusableState):
        return 1
    return 0


if __name__ == "__main__":
    os.nice(_NICE)
    sys.exit(main(*sys.argv[1:]))
