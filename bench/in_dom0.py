"""The part of `bench/agent.py` that runs in dom0: python3 in_dom0.py DOMID EVENTS MEGABYTES.

It prints one line of JSON. It stands apart because dom0 has nothing but Python.
"""

from __future__ import annotations

import json
import sys

from bench.measuring import executed, measure
from guestwright.exec_channel.host import Guest
from guestwright.xenstore.client.client import Client


def main() -> None:
    """Command line; see the module's docstring."""
    domid, events, megabytes = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    home = f"/local/domain/{domid}"
    with Client("/run/xenstored/socket", timeout=120) as store:
        number = 0

        def ask(command: str) -> None:
            nonlocal number
            number += 1
            store.write(f"{home}/data/bench/ask", f"{number} {command}")
            store.wait_until(f"{home}/data/bench/done", lambda value: value == f"{number} ok".encode())

        ask("ping")
        found = {"events": measure(store, f"{home}/attr/vif/0/ipv4", ask, events, quiet=1.0)}
        if megabytes:
            found["exec"] = executed(Guest(store, home, patience=120), megabytes)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
