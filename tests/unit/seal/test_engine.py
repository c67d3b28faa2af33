from __future__ import annotations

from collections.abc import Iterable

import pytest

from guestwright.guestfs.errors import Corrupt, NotFound
from guestwright.guestfs.machine import FilesystemCheck
from guestwright.seal.changes import Change, Note, Options, Remove, RunScript, Severity, Truncate, Write
from guestwright.seal.engine import Catalogue, compute, seal
from guestwright.seal.errors import CheckFailed, OperationFailed
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation, Planner
from guestwright.seal.plan import ActionKind, Status
from guestwright.seal.request import Request
from tests.support.memory_machine import debian_machine


def operation(name: str, plan: Planner, *, why_not: str = "") -> Operation:
    return Operation(
        name=name,
        summary=f"Does {name}",
        severity=Severity.ERROR,
        plan=plan,
        applies=lambda guest: why_not,
        source="test",
    )


def catalogue(*operations: Operation) -> Catalogue:
    return Catalogue(
        operations=operations,
        labeller=lambda guest: lambda path, kind: b"label",
        options=lambda request: request.options,
    )


def request(*names: str) -> Request:
    return Request(operations=names)


def remove_hostname(guest: Guest, options: Options) -> Iterable[Change]:
    yield Remove(path="/etc/hostname", reason="names the old machine")


def set_hostname_if_gone(guest: Guest, options: Options) -> Iterable[Change]:
    try:
        guest.fs.lstat("/etc/hostname")
    except NotFound:
        yield Write(path="/etc/hostname", data=b"new\n")


def test_later_operations_see_what_earlier_ones_did() -> None:
    machine = debian_machine()
    work = catalogue(operation("a", remove_hostname), operation("b", set_hostname_if_gone))
    plan = compute(machine, request("a", "b"), work)
    assert [one.status for one in plan.operations] == [Status.CHANGED, Status.CHANGED]
    assert plan.operations[0].actions[0].kind is ActionKind.REMOVE
    assert plan.operations[1].actions[0].kind is ActionKind.CREATE
    assert machine.fs.read("/etc/hostname") == b"new\n"
    assert "commit" not in machine.calls


def test_statuses() -> None:
    work = catalogue(
        operation("clean", lambda guest, options: ()),
        operation("elsewhere", remove_hostname, why_not="not this guest"),
        operation("off", remove_hostname),
        operation("said", lambda guest, options: [Note(text="look here")]),
    )
    plan = compute(debian_machine(), request("clean", "elsewhere", "said"), work)
    assert {one.name: one.status for one in plan.operations} == {
        "clean": Status.CLEAN,
        "elsewhere": Status.NOT_APPLICABLE,
        "off": Status.DISABLED,
        "said": Status.CLEAN,
    }


def test_seal_checks_before_it_commits() -> None:
    machine = debian_machine()
    plan, written = seal(machine, request("a"), catalogue(operation("a", remove_hostname)))
    assert machine.calls == ["check", "commit"]
    assert written == 4096
    assert plan.totals["files_removed"] == 1


def test_nothing_is_committed_when_the_check_fails() -> None:
    machine = debian_machine()
    machine.verdicts = [
        FilesystemCheck(filesystem="disk0/p1", tool="e2fsck -fn", clean=False, output="bad", seconds=0.1)
    ]
    with pytest.raises(CheckFailed, match="e2fsck -fn finds errors on disk0/p1"):
        seal(machine, request("a"), catalogue(operation("a", remove_hostname)))
    assert "commit" not in machine.calls


def test_failing_operation_is_named() -> None:
    work = catalogue(operation("a", lambda guest, options: [Truncate(path="/nowhere")]))
    with pytest.raises(OperationFailed, match="operation a: guest file /nowhere"):
        compute(debian_machine(), request("a"), work)


def test_corruption_is_not_blamed_on_the_operation() -> None:
    def broken(guest: Guest, options: Options) -> Iterable[Change]:
        raise Corrupt(path="", filesystem="disk0/p1", detail="bad block")

    with pytest.raises(Corrupt):
        compute(debian_machine(), request("a"), catalogue(operation("a", broken)))


@pytest.mark.parametrize(("dry", "ran"), [(True, False), (False, True)], ids=["plan", "run"])
def test_host_scripts_run_only_for_real(dry: bool, ran: bool) -> None:
    machine = debian_machine()
    work = catalogue(operation("script", lambda guest, options: [RunScript(command="true")]))
    compute(machine, request("script"), work, dry=dry)
    assert ("run_script true " in machine.calls) is ran


def test_digest_pins_what_is_written() -> None:
    def digest(data: bytes) -> str:
        work = catalogue(operation("a", lambda guest, options: [Write(path="/etc/x", data=data)]))
        return compute(debian_machine(), request("a"), work).digest

    assert digest(b"1") == digest(b"1")
    assert digest(b"1") != digest(b"2")


SELINUX = {
    "/usr/sbin/load_policy": "",
    "/etc/selinux/config": "SELINUX=enforcing\nSELINUXTYPE=targeted\n",
}


def test_new_files_are_labelled() -> None:
    machine = debian_machine(SELINUX)
    work = catalogue(operation("a", lambda guest, options: [Write(path="/etc/x", data=b"")]))
    compute(machine, request("a"), work)
    assert machine.fs.xattrs("/etc/x") == {"security.selinux": b"label"}


def test_unlabelled_files_ask_for_a_relabel() -> None:
    machine = debian_machine(SELINUX)
    work = Catalogue(
        operations=[operation("a", lambda guest, options: [Write(path="/etc/x", data=b"")])],
        labeller=lambda guest: lambda path, kind: None,
        options=lambda request: request.options,
    )
    plan = compute(machine, request("a"), work)
    assert plan.operations[-1].name == "selinux-relabel"
    assert machine.fs.read("/.autorelabel") == b""
