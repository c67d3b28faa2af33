"""How much memory the guest has, and how much is free: /proc/meminfo."""

from __future__ import annotations

from guestwright.agent.core.facts import Memory

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from guestwright.agent.unix.files import Files

_NAMES = (b"MemTotal", b"MemFree", b"MemAvailable")


def memory(files: Files) -> Memory | None:
    """Memory in kB; free is what could be had without swapping. None when /proc does not tell."""
    found: dict[bytes, int] = {}
    for line in files.data("/proc/meminfo", 512).split(b"\n"):
        name, _, rest = line.partition(b":")
        words = rest.split()
        if name in _NAMES and words and words[0].isdigit():
            found[name] = int(words[0])
    total = found.get(b"MemTotal")
    free = found.get(b"MemAvailable", found.get(b"MemFree"))
    return None if total is None or free is None else Memory(total=total, free=free)
