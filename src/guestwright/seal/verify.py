"""Prove a seal: open the image again and list what every operation would still change."""

from __future__ import annotations

from collections.abc import Collection

from guestwright.base.record import record, replace
from guestwright.seal.changes import Severity
from guestwright.seal.plan import Action, ActionKind, Plan


@record
class Leftover:
    """One thing that sealing should have taken away.

    Attributes:
        operation: whose business it is.
        severity: of the operation: error for an identity or secret that all clones would share.
        action: what the operation would still do.
    """

    operation: str
    severity: Severity
    action: Action


@record
class Verdict:
    """The result of verifying.

    Attributes:
        leftovers: worst first.
        remarks: notes of the operations, for a person to judge.
    """

    leftovers: tuple[Leftover, ...]
    remarks: tuple[Leftover, ...]

    def count(self, severity: Severity) -> int:
        """Leftovers of one severity."""
        return sum(one.severity is severity for one in self.leftovers)

    @property
    def sealed(self) -> bool:
        """No identity or secret is left."""
        return self.count(Severity.ERROR) == 0


def _holds(path: str, customised: Collection[str]) -> bool:
    return bool(path) and any(one == path or one.startswith(f"{path}/") for one in customised)


_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def judge(plan: Plan, customised: Collection[str] = ()) -> Verdict:
    """Read a plan made over a sealed image as a list of leftovers.

    Args:
        plan: from `engine.compute` over the image to verify, with the operations it was sealed with.
        customised: paths that customising put there on purpose (an injected SSH key); an operation that would
            take them, or the directory they lie in, is only remarked on.

    Returns:
        The verdict. Operations are idempotent, so on a sealed image no change is left.
    """
    leftovers: list[Leftover] = []
    remarks: list[Leftover] = []
    for operation in plan.operations:
        for action in operation.actions:
            if action.is_change and _holds(action.path, customised):
                kept = replace(action, kind=ActionKind.NOTE, detail="put there while sealing")
                remarks.append(Leftover(operation=operation.name, severity=Severity.INFO, action=kept))
            elif action.is_change:
                found = Leftover(operation=operation.name, severity=operation.severity, action=action)
                leftovers.append(found)
            elif action.kind is ActionKind.NOTE:
                remarks.append(Leftover(operation=operation.name, severity=action.severity, action=action))
    leftovers.sort(key=lambda one: (_RANK[one.severity], one.operation))
    return Verdict(leftovers=tuple(leftovers), remarks=tuple(remarks))
