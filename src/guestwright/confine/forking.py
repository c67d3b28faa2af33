"""What must not be cut in half by Ctrl-C: forking, and what has to be taken back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold SIGINT back until the block is left; for what takes no time, and no more than that."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def fork() -> int:
    """Fork with SIGINT held back, so that Ctrl-C counts before it or after it.

    In the middle, KeyboardInterrupt would rise from Python's own clean-up after a fork, where it is printed
    and lost, or go on in a child that is still a copy of us.

    Returns:
        As `os.fork`. In the child SIGINT stays blocked: it has still our handlers.

    Raises:
        OSError: the host refused.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        pid = os.fork()
    except OSError:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        raise
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid
