"""Sealing itself: every selected operation in order, over the overlays; then check; then commit.

Theory of operation: a plan and a run do exactly the same work on the same overlays. An operation reads the
guest and returns changes; they are applied at once, so that the next operation sees their effect (a hostname
that one operation resets and another sets, a file in /tmp that is gone). What happened is recorded. All this
happens where the guest's files are, in a process that holds nothing else (`Machine.run`), and comes back as
JSON (`seal.outcome`). `compute` stops there; `seal` goes on: the file system checker judges the result, and
only when it is clean is anything written to the images, all or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from guestwright.base.progress import Progress, Step, silent
from guestwright.base.record import record, replace
from guestwright.guestfs.errors import Corrupt, DriverFailed, GuestFSError
from guestwright.guestfs.machine import Effects, Machine
from guestwright.guestfs.port import GuestFS
from guestwright.seal import inspect, outcome
from guestwright.seal.apply import Applier, Labeller, no_label
from guestwright.seal.changes import Note, Options, Severity, Write
from guestwright.seal.errors import CheckFailed, OperationFailed
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation
from guestwright.seal.outcome import Outcome, Result
from guestwright.seal.plan import ActionKind, GuestFacts, OperationResult, Plan, Status
from guestwright.seal.request import Request

LabellerFactory = Callable[[Guest], Labeller]
RELABEL_FLAG = "/.autorelabel"
_RELABEL = "selinux-relabel"
_RELABEL_SUMMARY = "Ask the guest to relabel its files at first boot"
_LEFT_OUT = "not selected"


@record
class Catalogue:
    """What the engine works with; the composition root fills it in.

    Attributes:
        operations: all operations, in the order they run.
        labeller: how new inodes of an SELinux guest get their context.
        options: turns a request into the options mapping that operations read.
    """

    operations: Sequence[Operation]
    labeller: LabellerFactory
    options: Callable[[Request], Options]


def compute(
    machine: Machine,
    request: Request,
    catalogue: Catalogue,
    *,
    progress: Progress = silent,
    dry: bool = True,
) -> Plan:
    """Run all selected operations over the overlays and record what they did.

    Args:
        machine: the guest's disks, freshly opened.
        request: what to do.
        catalogue: see `Catalogue`. What its functions need must have been imported: see `Machine.run`.
        progress: told where it is, now and then.
        dry: leave out effects beyond the overlay (host scripts).

    Returns:
        The plan. Nothing was committed.

    Raises:
        UnsupportedError: not a guest that can be sealed.
        OperationFailed: one operation could not do its work.
    """
    paths = tuple(one.path for one in machine.images)
    wish = inspect.Wish(root=request.root, allow_missing=request.allow_missing_mounts, images=paths)
    options = catalogue.options(request)
    work = partial(_work, wish=wish, request=request, catalogue=catalogue, options=options, dry=dry)
    try:
        found = outcome.from_json(machine.run(work, progress))
        results = _named(found.results, catalogue.operations)
    except ValueError as error:
        raise DriverFailed(driver=machine.driver, detail=f"its process answered nonsense: {error}") from error
    return Plan(
        request=request,
        images=tuple(machine.images),
        guest=replace(found.guest, driver=machine.driver),
        operations=results,
        notes=(*machine.notes, *found.notes),
    )


def _work(
    fs: GuestFS,
    effects: Effects,
    progress: Progress,
    *,
    wish: inspect.Wish,
    request: Request,
    catalogue: Catalogue,
    options: Options,
    dry: bool,
) -> Any:
    """What happens where the files are."""
    guest = inspect.inspect(fs, driver="", wish=wish)
    applier = Applier(
        fs=guest.fs,
        effects=effects,
        filesystems={one.id: one for one in guest.filesystems},
        label=catalogue.labeller(guest) if guest.selinux.in_use else no_label,
        dry=dry,
        key=request.seed.encode(),
    )
    chosen = frozenset(request.operations)
    results: list[Result] = []
    for count, operation in enumerate(catalogue.operations, 1):
        if operation.name in chosen:
            results.append(_one(operation, guest, options, applier))
        progress(Step(name="operation", done=count, total=len(catalogue.operations), text=operation.name))
    if applier.unlabelled:
        results.append(_relabel(applier))
    return outcome.to_json(Outcome(results=tuple(results), guest=_facts(guest), notes=guest.notes))


def seal(
    machine: Machine, request: Request, catalogue: Catalogue, *, progress: Progress = silent
) -> tuple[Plan, int]:
    """Compute, check and commit.

    Returns:
        The plan that was carried out, with the checkers' verdicts, and the bytes written to the images.

    Raises:
        CheckFailed: the file system would not be clean; nothing was written.
        GuestwrightError: as `compute`, or from the commit.
    """
    plan = compute(machine, request, catalogue, progress=progress, dry=False)
    return commit(machine, plan, progress=progress)


def commit(machine: Machine, plan: Plan, *, progress: Progress = silent) -> tuple[Plan, int]:
    """The second half of `seal`, for a plan that `compute` just made over the same machine."""
    progress(Step(name="check", done=0, total=1, text="checking the file systems"))
    plan = check(machine, plan)
    progress(Step(name="commit", done=0, total=1, text="writing to the images"))
    written = machine.commit()
    progress(Step(name="commit", done=1, total=1, text="done"))
    return plan, written


def check(machine: Machine, plan: Plan) -> Plan:
    """Let the checkers judge; the plan with their verdicts, or `CheckFailed`."""
    checks = tuple(machine.check())
    for verdict in checks:
        if not verdict.clean:
            raise CheckFailed(tool=verdict.tool, filesystem=verdict.filesystem, detail=verdict.output)
    return replace(plan, checks=checks)


def _one(operation: Operation, guest: Guest, options: Options, applier: Applier) -> Result:
    try:
        why = operation.applies(guest)
        if why:
            return Result(name=operation.name, status=Status.NOT_APPLICABLE, why=why)
        wanted = operation.plan(guest, options)
        if operation.stepwise:
            actions = tuple(action for change in wanted for action in applier.apply(change))
        else:
            actions = tuple(applier.apply_all(tuple(wanted)))
    except Corrupt:
        raise
    except GuestFSError as error:
        raise OperationFailed(operation=operation.name, detail=error.message) from error
    status = Status.CHANGED if any(one.is_change for one in actions) else Status.CLEAN
    return Result(name=operation.name, status=status, actions=actions)


def _relabel(applier: Applier) -> Result:
    """New files whose context the policy does not give: let the guest relabel at its next boot."""
    listed = ", ".join(applier.unlabelled[:5])
    note = Note(
        text=f"no SELinux context found for {listed}; the first boot relabels all files and restarts once",
        path=RELABEL_FLAG,
        severity=Severity.WARNING,
    )
    quiet = Applier(fs=applier.fs)
    actions = (
        *quiet.apply(Write(path=RELABEL_FLAG, data=b"", reason="first boot relabels")),
        *quiet.apply(note),
    )
    status = Status.CHANGED if any(one.kind is ActionKind.CREATE for one in actions) else Status.CLEAN
    return Result(name=_RELABEL, status=status, actions=actions)


def _named(results: Sequence[Result], operations: Sequence[Operation]) -> tuple[OperationResult, ...]:
    """Results with what is known of their operations, in the order of those, with those not selected."""
    known = {one.name: one for one in results}
    named = []
    for operation in operations:
        result = known.pop(operation.name, Result(name=operation.name, status=Status.DISABLED, why=_LEFT_OUT))
        named.append(_joined(result, operation.summary, operation.severity))
    if _RELABEL in known:
        named.append(_joined(known.pop(_RELABEL), _RELABEL_SUMMARY, Severity.INFO))
    if known:
        raise ValueError("a result of no known operation")
    return tuple(named)


def _joined(result: Result, summary: str, severity: Severity) -> OperationResult:
    return OperationResult(
        name=result.name,
        summary=summary,
        severity=severity,
        status=result.status,
        why=result.why,
        actions=result.actions,
    )


def _facts(guest: Guest) -> GuestFacts:
    selinux = f"{guest.selinux.mode} ({guest.selinux.policy})" if guest.selinux.in_use else "not in use"
    return GuestFacts(
        os=guest.os.pretty_name,
        family=guest.os.family,
        version=guest.os.version,
        init=guest.os.init,
        hostname=guest.os.hostname,
        selinux=selinux,
        root=guest.root,
        mounts=guest.mounts,
        driver=guest.driver,
    )
