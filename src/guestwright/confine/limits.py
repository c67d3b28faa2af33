"""Resource limits of a confined process (setrlimit(2))."""

from __future__ import annotations

import resource

from guestwright.base.record import record


@record
class Limits:
    """Upper bounds; None leaves a limit as it was inherited. Core dumps are always off.

    Attributes:
        cpu_seconds: processor time; the process dies of SIGXCPU, a second later of SIGKILL.
        memory: address space in bytes; what was mapped before the fork counts.
        file_size: largest offset in bytes that may be written in a file; sockets and pipes do not count.
        open_files: highest file descriptor plus one.
        processes: processes and threads of the same uid, all over the system: 0 means no fork at all, any
            other number is only a rough guard.
    """

    cpu_seconds: int | None = 60
    memory: int | None = 1 << 30
    file_size: int | None = 0
    open_files: int | None = 64
    processes: int | None = 0


WORKER_LIMITS = Limits()
"""For a worker that computes and talks on one socket."""


def apply(limits: Limits) -> None:
    """Put `limits` on the calling process, soft and hard alike, never above an inherited hard limit.

    Raises:
        OSError: the kernel refused.
    """
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_AS, limits.memory)
    _lower(resource.RLIMIT_FSIZE, limits.file_size)
    _lower(resource.RLIMIT_NOFILE, limits.open_files)
    _lower(resource.RLIMIT_NPROC, limits.processes)
    if limits.cpu_seconds is not None:
        _lower(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1)


def _lower(kind: int, soft: int | None, hard: int | None = None) -> None:
    if soft is None:
        return
    hard = soft if hard is None else hard
    _, ceiling = resource.getrlimit(kind)
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(kind, (soft, hard))
