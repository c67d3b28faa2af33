"""A sequence: what clients and the hypervisor do, one step after the other.

Steps are plain tuples, so that a printed sequence can be pasted into a test:

- `(who, kind, payload, transaction)`: a request; `who` is a socket's name or a domain's number;
- `(who, "raw", bytes)`: bytes that end the connection;
- `(name, "close")`: a client leaves; the name may be used again;
- `(domid, "s" | "c" | "d" | "gone")`: it was shut down, has crashed, is dying, is gone; the store is told;
- `(domid, "exists")`: a domain is created, without a word to the store.

A step of a guest that is not introduced does nothing, so that any part of a sequence is a sequence.
"""

from __future__ import annotations

from typing import Any

from guestwright.xenstore.core import wire

Step = tuple[Any, ...]
Steps = list[Step]

NAMES = {
    number: name
    for name, number in vars(wire).items()
    if name.isupper()
    and isinstance(number, int)
    and name.split("_")[0] not in {"HEADER", "PAYLOAD", "ABSOLUTE", "RELATIVE", "FEATURE", "DOMID"}
}


def show(steps: Steps) -> str:
    """The sequence as Python, with the names of the operations; needs `from ...wire import *`."""
    lines = []
    for step in steps:
        parts = [repr(one) for one in step]
        if isinstance(step[1], int) and step[1] in NAMES:
            parts[1] = NAMES[step[1]]
        lines.append(f"    ({', '.join(parts)}),")
    return "\n".join(["[", *lines, "]"])
