"""The operation `customize`: what the user asked for explicitly, in the order asked, and nothing else.

virt-sysprep's operation of this name also refills the guest's random seed and makes a machine id whenever it
runs, so that all clones of a template share both. This one does neither: without directives it does nothing.

Directives build on one another (`--mkdir /a --upload x:/a/x`, two appended lines), so each change must be
applied to the guest before the next one is asked for; `_plan` makes sure that whoever runs it does that.
"""

from __future__ import annotations

from collections.abc import Iterator

from guestwright.seal.changes import Change, Options, Severity, Write
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation

_AMPLE = 1 << 30


def _applies(guest: Guest) -> str:
    del guest
    return ""  # what a guest cannot do is an error of its directive, not a silent no


def _plan(guest: Guest, options: Options) -> Iterator[Change]:
    wanted = options.get("directives", ())
    if not wanted:
        return
    # Two dozen classes take some 10 ms to make: only runs that customise should pay.
    from guestwright.seal.customise.codec import KINDS  # noqa: PLC0415 - see above
    from guestwright.seal.customise.looking import content  # noqa: PLC0415 - see above
    from guestwright.seal.customise.registry import plan  # noqa: PLC0415 - see above

    if not isinstance(wanted, (tuple, list)):
        raise TypeError("directives must be a tuple of directives")
    last: Write | None = None
    for directive in wanted:
        if type(directive) not in KINDS.values():
            raise TypeError(f"{type(directive).__name__} is no directive")
        if last is not None and content(guest.fs, last.path, limit=_AMPLE) != last.data:
            raise RuntimeError("the changes of customize must be applied one by one, as they come")
        last = None
        for change in plan(directive, guest):
            yield change
            last = change if isinstance(change, Write) else None


CUSTOMIZE = Operation(
    name="customize",
    summary="Set host name, time zone, passwords, keys, first-boot scripts and files as asked for",
    severity=Severity.WARNING,
    order=99,
    plan=_plan,
    applies=_applies,
    stepwise=True,
    source="virt-sysprep(1), operation customize; without its implicit random seed and machine id",
    parity=True,
    options={"directives": "what to customise, in order (see the options of virt-customize)"},
)
