"""Places at which a test can have the process killed, to prove that a kill there does no harm."""

from __future__ import annotations

import os
import signal
from typing import Final

VARIABLE: Final = "GUESTWRIGHT_FAILPOINT"


def reached(name: str) -> None:
    """Kill this process with SIGKILL if the environment says GUESTWRIGHT_FAILPOINT=`name`:kill.

    Args:
        name: of the place, kebab-case.
    """
    if os.environ.get(VARIABLE) == f"{name}:kill":
        os.kill(os.getpid(), signal.SIGKILL)
