"""The contract of the xenstore client, on whatever store is there: `main` runs it without pytest.

Each case is a plain function that gets a `World`; nothing here needs more than the standard library, so the
suite runs on a host, in dom0 and inside a guest. Copy `src/guestwright/__init__.py`, `src/guestwright/base`,
`src/guestwright/xenstore` and `tests/contract/xenstore` there, keep the directories, and call

    PYTHONPATH=src:. python3 -m tests.contract.xenstore.run                    # dom0, usual socket or device
    PYTHONPATH=src:. python3 -m tests.contract.xenstore.run --guest            # in a guest, /dev/xen/xenbus
    PYTHONPATH=src:. python3 -m tests.contract.xenstore.run --address /run/xenstored/socket --oxenstored

A guest needs a directory in which it may do anything: `--base`, by default `data/guestwright-contract`
(xl makes `data` so), and the node `domid`, which xl makes too. One line per case; exit status 1 if one fails.
Under pytest, `test_xenstore_contract.py` runs the same cases against C xenstored, oxenstored and ours.
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
import time
import traceback
from collections.abc import Callable
from types import ModuleType

from tests.contract.xenstore import asyncio_cases, node_cases, transaction_cases, watch_cases
from tests.contract.xenstore.world import World

Case = Callable[[World], None]

_MODULES: tuple[ModuleType, ...] = (node_cases, transaction_cases, watch_cases, asyncio_cases)
_HANGING = 120  # seconds for one case


def cases() -> dict[str, Case]:
    """All cases by name."""
    return {
        name.removeprefix("case_"): one
        for module in _MODULES
        for name, one in vars(module).items()
        if name.startswith("case_")
    }


def main(argv: list[str]) -> int:
    """Run all cases, or those that are named; 0 when all have passed."""
    parser = argparse.ArgumentParser(description="Contract of the xenstore client.")
    parser.add_argument("--address", help="socket or device; by default the usual place")
    parser.add_argument("--guest", action="store_true", help="we are an unprivileged domain")
    parser.add_argument("--oxenstored", action="store_true", help="the server is oxenstored")
    parser.add_argument("--base", help="directory in the store that we may change")
    parser.add_argument("names", nargs="*", metavar="CASE")
    options = parser.parse_args(argv)
    base = options.base or ("data/guestwright-contract" if options.guest else "/guestwright-contract")
    world = World(options.address, base, privileged=not options.guest, oxenstored=options.oxenstored)
    failed = 0
    for name, one in cases().items():
        if options.names and name not in options.names:
            continue
        faulthandler.dump_traceback_later(_HANGING, exit=True)
        began = time.monotonic()
        try:
            with world.fresh():
                one(world)
        except Exception:  # noqa: BLE001 - the boundary: a failed case is reported, the next one runs
            failed += 1
            print(f"FAILED {name}", flush=True)
            traceback.print_exc()
        else:
            print(f"ok {name} ({time.monotonic() - began:.2f} s)", flush=True)
        faulthandler.cancel_dump_traceback_later()
    print(f"{failed} failed" if failed else "all passed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
