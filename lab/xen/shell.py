"""Boots the Xen host and takes commands for it: `make lab-xen`.

    python -m lab.xen.shell [--oxenstored] [--no-guest] [COMMAND...]

The checkout's `src` is in dom0 and in the guest below /opt/guestwright, and on Python's path there. Lines
from standard input run in dom0; with `guest ` before them in the guest. `console` shows what the guest wrote,
`console dom0` what Xen and dom0 wrote. The host ends with the input, or with `exit`. COMMANDs run instead of
the input; the first that fails ends it all with its status.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence

from lab import ext
from lab.xen.host import Done, Guest, Host, boot, build
from lab.xen.machine import LabFailed

CHECKOUT = "/opt/guestwright"
"""Where the checkout is in dom0 and in its guests."""

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_SECONDS = 600.0
_HELP = (
    "Commands run in dom0; `guest COMMAND` in the guest; `console [dom0]`; `exit`. Python finds guestwright."
)


def put_checkout(host: Host) -> None:
    """Copy the checkout's `src` into dom0, below `CHECKOUT`."""
    host.copy_in(os.path.join(_ROOT, "src"), f"{CHECKOUT}/src")


def perform(line: str, host: Host, guest: Guest | None) -> int:
    """Run one line and print what came of it; its status."""
    word, _, rest = line.strip().partition(" ")
    if word in {"guest", "console"} and guest is None and rest != "dom0":
        print("there is no guest (--no-guest)", file=sys.stderr)
        return 2
    if word == "console":
        print(guest.console() if guest is not None and rest != "dom0" else host.console())
        return 0
    path = f"export PYTHONPATH={CHECKOUT}/src:/lab; "
    if guest is not None and word == "guest":
        return _show(guest.run(path + rest, seconds=_SECONDS, check=False))
    return _show(host.run(path + line, seconds=_SECONDS, check=False))


def _show(done: Done) -> int:
    for stream, data in ((sys.stdout, done.output), (sys.stderr, done.error)):
        stream.flush()
        stream.buffer.write(data)
        stream.flush()
    return done.status


def _lines() -> Iterator[str]:
    while True:
        if sys.stdin.isatty():
            print("lab# ", end="", flush=True)
        line = sys.stdin.readline()
        if not line or line.strip() == "exit":
            return
        if line.strip():
            yield line


def main(argv: Sequence[str]) -> int:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="lab/xen/shell.py", description="Boot a Xen host in QEMU.")
    parser.add_argument("--oxenstored", action="store_true", help="OCaml's xenstored in place of C's")
    parser.add_argument("--no-guest", action="store_true", help="start no guest")
    parser.add_argument("commands", nargs="*", metavar="COMMAND")
    args = parser.parse_args(argv)
    start = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - start:5.1f} s] {text}", file=sys.stderr, flush=True)

    try:
        say("building, unless var/cache has the image")
        build()
        say("booting Xen and dom0")
        with boot(xenstored="oxenstored" if args.oxenstored else "xenstored") as host:
            put_checkout(host)
            guest = None
            if not args.no_guest:
                say("starting a guest")
                guest = host.start_guest(payload=[CHECKOUT])
            say(f"ready. {_HELP}")
            status = 0
            for line in args.commands or _lines():
                status = perform(line, host, guest)
                if status and args.commands:
                    break
                if status:
                    print(f"(status {status})", file=sys.stderr)
            return status if args.commands else 0
    except (LabFailed, ext.ToolFailed) as error:
        print(f"lab-xen: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
