from __future__ import annotations

from guestwright.seal.changes import Severity
from guestwright.seal.plan import Action, ActionKind, GuestFacts, OperationResult, Plan, Status
from guestwright.seal.request import Request
from guestwright.seal.verify import judge

FACTS = GuestFacts(
    os="x", family="", version="", init="", hostname="", selinux="", root="", mounts=(), driver="memory"
)


def plan(*operations: tuple[str, Severity, ActionKind]) -> Plan:
    results = tuple(
        OperationResult(
            name=name,
            summary="",
            severity=severity,
            status=Status.CHANGED,
            actions=(Action(kind=kind, path="/x", severity=Severity.WARNING),),
        )
        for name, severity, kind in operations
    )
    return Plan(request=Request(operations=()), images=(), guest=FACTS, operations=results)


def test_sealed_image_has_nothing_left() -> None:
    verdict = judge(plan())
    assert verdict.sealed
    assert verdict.leftovers == ()


def test_worst_first() -> None:
    verdict = judge(
        plan(
            ("logs", Severity.INFO, ActionKind.REMOVE),
            ("keys", Severity.ERROR, ActionKind.REMOVE),
            ("history", Severity.WARNING, ActionKind.REMOVE),
        )
    )
    assert [one.operation for one in verdict.leftovers] == ["keys", "history", "logs"]
    assert not verdict.sealed
    assert verdict.count(Severity.ERROR) == 1


def test_warnings_alone_do_not_fail() -> None:
    assert judge(plan(("history", Severity.WARNING, ActionKind.REMOVE))).sealed


def test_notes_are_remarks() -> None:
    verdict = judge(plan(("snapd", Severity.ERROR, ActionKind.NOTE), ("x", Severity.ERROR, ActionKind.KEEP)))
    assert verdict.sealed
    assert [one.severity for one in verdict.remarks] == [Severity.WARNING]


def test_what_was_put_there_is_no_leftover() -> None:
    made = plan(("ssh-userdir", Severity.WARNING, ActionKind.REMOVE))
    assert judge(made, ["/x/authorized_keys"]).leftovers == ()
    assert judge(made, ["/x"]).remarks[0].action.detail == "put there while sealing"
    assert len(judge(made, ["/xy", "/"]).leftovers) == 1
