"""What an operation is: metadata beside the code, a condition, and a function from guest to changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from guestwright.base.record import field, record
from guestwright.seal.changes import Change, Options, Severity
from guestwright.seal.guest import Guest

Condition = Callable[[Guest], str]
"""Why the operation does not apply to this guest; "" when it does."""

Planner = Callable[[Guest, Options], Iterable[Change]]
"""What the operation wants done. Reads the guest, changes nothing. Must be idempotent: asked again after its
changes were applied, it must return no change (notes excepted); `seal verify` rests on that."""


@record
class Operation:
    """One sealing operation.

    Attributes:
        name: `[a-z0-9-]+`; virt-sysprep's name where it has the same operation.
        summary: one line, no full stop.
        severity: how bad a leftover is.
        default: whether it runs unless told otherwise.
        order: operations run by (order, name); 0 unless it must come late.
        applies: condition on the guest.
        plan: the changes.
        source: where the facts come from (document, section, issue).
        parity: whether virt-sysprep has it (for comparisons and documentation).
        stepwise: apply each change before the next is asked for (a list of directives that build on each
            other); otherwise the plan is complete before anything changes.
        options: names of the options it reads, with a line of help each.
    """

    name: str
    summary: str
    severity: Severity
    plan: Planner
    applies: Condition
    default: bool = True
    order: int = 0
    source: str = ""
    parity: bool = False
    stepwise: bool = False
    options: dict[str, str] = field(default_factory=dict)
