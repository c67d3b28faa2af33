"""Builds an operation that is one rule: most agents are."""

from __future__ import annotations

from guestwright.seal import conditions
from guestwright.seal.changes import Severity
from guestwright.seal.operation import Condition, Operation
from guestwright.seal.paths import Action, PathRule, rules


def single(
    name: str,
    summary: str,
    *globs: str,
    reason: str,
    source: str,
    severity: Severity = Severity.ERROR,
    default: bool = True,
    action: Action = Action.REMOVE,
    secret: bool = True,
    unless: tuple[str, ...] = (),
    only_if: tuple[str, ...] = (),
    not_if: tuple[str, ...] = (),
    applies: Condition = conditions.linux,
) -> Operation:
    """An operation of one `PathRule`; see there and `Operation` for the arguments."""
    rule = PathRule(
        globs=globs,
        reason=reason,
        action=action,
        secret=secret,
        unless=unless,
        only_if=only_if,
        not_if=not_if,
    )
    return Operation(
        name=name,
        summary=summary,
        severity=severity,
        default=default,
        applies=applies,
        plan=rules(rule),
        source=source,
    )
