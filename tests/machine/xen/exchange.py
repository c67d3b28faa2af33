"""Our client on both ends of a real guest channel; runs inside the machines, on the standard library.

python3 exchange.py guest | dom0 DOMID
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from guestwright.xenstore.client.client import Client

_ROUNDS = 20
_PATIENCE = 40.0  # seconds


def equal(wanted: str) -> Callable[[bytes | None], bool]:
    """Whether a node has this value."""
    return lambda value: value == wanted.encode()


def guest() -> None:
    """Answer what the host asks in control/, until all rounds are over."""
    with Client("/dev/xen/xenbus", timeout=_PATIENCE) as store:
        store.write("data/exchange", "ready")
        for number in range(_ROUNDS):
            store.wait_until("data/question", equal(str(number)))
            store.write("data/exchange", f"answer {number}")
        print("answered", _ROUNDS)


def dom0(domid: str) -> None:
    """Ask and wait for each answer."""
    home = f"/local/domain/{domid}/data"
    with Client("/run/xenstored/socket", timeout=_PATIENCE) as store:
        store.wait_until(f"{home}/exchange", equal("ready"))
        for number in range(_ROUNDS):
            with store.transaction() as inside:
                inside.write(f"{home}/question", str(number))
                inside.set_perms(f"{home}/question", ["n0", f"r{domid}"])
            store.wait_until(f"{home}/exchange", equal(f"answer {number}"))
        print("asked", _ROUNDS)


if __name__ == "__main__":
    dom0(sys.argv[2]) if sys.argv[1] == "dom0" else guest()
