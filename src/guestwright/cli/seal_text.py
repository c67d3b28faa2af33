"""Plans, verdicts and run reports as text for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

from guestwright.base.printable import printable
from guestwright.cli.output import human
from guestwright.seal.changes import Severity
from guestwright.seal.plan import Action, ActionKind, OperationResult, Plan, Status
from guestwright.seal.verify import Leftover, Verdict

_VERBS = {
    ActionKind.REMOVE: "remove",
    ActionKind.TRUNCATE: "empty",
    ActionKind.CREATE: "create",
    ActionKind.REWRITE: "rewrite",
    ActionKind.MKDIR: "mkdir",
    ActionKind.SYMLINK: "link",
    ActionKind.CHMOD: "chmod",
    ActionKind.CHOWN: "chown",
    ActionKind.SET_UUID: "uuid",
    ActionKind.RENEW_LVM_UUIDS: "lvm",
    ActionKind.RUN_SCRIPT: "script",
    ActionKind.KEEP: "keep",
    ActionKind.NOTE: "note",
}
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}
_SHOWN = 8


def guest_lines(plan: Plan) -> Iterable[str]:
    """Which images and which guest this is about."""
    for image in plan.images:
        yield f"{printable(image.path)}  {image.format}, {human(image.size)}"
    guest = plan.guest
    parts = [printable(guest.os)]
    if guest.hostname:
        parts.append(f"host {printable(guest.hostname)}")
    if guest.init:
        parts.append(guest.init)
    if guest.selinux != "not in use":
        parts.append(f"SELinux {printable(guest.selinux)}")
    yield f"  {' · '.join(parts)}"
    mounts = ", ".join(f"{printable(path)} on {name}" for path, name in guest.mounts)
    yield f"  {mounts} (driver {guest.driver})"


def plan_lines(plan: Plan, *, verbose: bool) -> Iterable[str]:
    """The operations that change something, each with its actions; then what was left alone."""
    yield from guest_lines(plan)
    yield ""
    for operation in plan.operations:
        if operation.status is Status.CHANGED:
            yield from _operation_lines(operation, verbose=verbose)
    left = [
        f"  {_note_line(operation.name, action)}"
        for operation in plan.operations
        for action in operation.actions
        if not action.is_change and operation.status is not Status.CHANGED
    ]
    if left:
        yield click.style(f"left on purpose ({len(left)})", bold=True)
        yield from left
    for note in plan.notes:
        yield f"note: {printable(note)}"


def summary_line(plan: Plan, verb: tuple[str, str]) -> str:
    """One line of totals: "would remove 812 files …"."""
    totals = plan.totals
    clean = sum(one.status is Status.CLEAN for one in plan.operations)
    operations = _count(totals["operations_changed"], "operation")
    files = _count(totals["files_removed"], "file")
    directories = _count(totals["directories_removed"], "directory", "directories")
    written = _count(totals["files_written"], "file")
    size = human(totals["bytes_removed"])
    return (
        f"{operations} {verb[0]} {files} and {directories} ({size}), {verb[1]} {written}; "
        f"{clean} found nothing to do"
    )


def verdict_lines(verdict: Verdict) -> Iterable[str]:
    """Leftovers by severity, then remarks."""
    for severity in Severity:
        found = [one for one in verdict.leftovers if one.severity is severity]
        if found:
            yield click.style(f"{severity} ({len(found)})", fg=_COLOURS[severity], bold=True)
            yield from _leftover_lines(found)
    if verdict.remarks:
        yield click.style(f"left on purpose ({len(verdict.remarks)})", bold=True)
    for one in verdict.remarks:
        yield f"  {_note_line(one.operation, one.action)}"


def _operation_lines(operation: OperationResult, *, verbose: bool) -> Iterable[str]:
    size = f"  {human(operation.size)}" if operation.size else ""
    yield click.style(operation.name, bold=True) + f"  {operation.summary}{size}"
    shown = operation.actions if verbose else operation.actions[:_SHOWN]
    for action in shown:
        yield f"  {action_line(action)}"
        if verbose and action.reason:
            yield f"          because {action.reason}"
    if len(shown) < len(operation.actions):
        yield f"  … and {len(operation.actions) - len(shown)} more (--verbose lists them)"


def action_line(action: Action) -> str:
    """One action on one line."""
    if action.kind in {ActionKind.NOTE, ActionKind.KEEP}:
        where = f"{printable(action.path)}: " if action.path else ""
        return f"{_VERBS[action.kind]:8}{where}{printable(action.detail)}"
    parts = [f"{_VERBS[action.kind]:8}{printable(action.path)}".rstrip()]
    if action.directories or action.files > 1:
        parts.append(f"{_count(action.files, 'file')}")
    if action.size:
        parts.append(human(action.size))
    if action.detail:
        parts.append(printable(action.detail))
    return "  ".join(parts)


def _leftover_lines(found: Sequence[Leftover]) -> Iterable[str]:
    for one in found:
        yield f"  {one.operation}: {action_line(one.action)}"


def _note_line(operation: str, action: Action) -> str:
    label = click.style(f"{action.severity:8}", fg=_COLOURS[action.severity])
    where = f"{printable(action.path)}: " if action.path else ""
    return f"{label}{where}{printable(action.detail)}  [{operation}]"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one}" if number == 1 else f"{number:,} {many or one + 's'}"
