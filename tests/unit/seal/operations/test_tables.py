"""Every operation over its rows: what it wants, that it is then satisfied, that no operation is missing."""

from __future__ import annotations

import pytest

from guestwright.guestfs.port import FileKind, GuestFS
from guestwright.seal.changes import Change, Note, Remove, RemoveFiles, RunScript
from guestwright.seal.paths import RulePlanner
from guestwright.seal.registry import OPERATIONS, by_name
from tests.support.apply_changes import apply_changes
from tests.support.sealing import Case, make_guest, words
from tests.unit.seal.operations import tables_agents, tables_computed, tables_state, tables_upstream

CASES = (*tables_upstream.CASES, *tables_state.CASES, *tables_agents.CASES, *tables_computed.CASES)


def content(fs: GuestFS) -> dict[str, str]:
    """Every path with kind, attributes and content."""
    found = {}
    for path, stat in [(one.path, one.stat) for one in fs.walk("/")]:
        found[path] = f"{stat.kind} {stat.mode:o} {stat.uid}:{stat.gid} {data(fs, path, stat.kind)!r}"
    return found


def data(fs: GuestFS, path: str, kind: FileKind) -> bytes | str:
    if kind is FileKind.FILE:
        return fs.read(path)
    return fs.readlink(path) if kind is FileKind.SYMLINK else b""


def removed_paths(wanted: list[Change]) -> list[str]:
    return [
        one.top if isinstance(one, RemoveFiles) else one.path
        for one in wanted
        if isinstance(one, Remove | RemoveFiles)
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.ident)
def test_wants_exactly_this_and_is_then_satisfied(case: Case) -> None:
    operation = by_name(case.operation)
    guest = make_guest(case.files, system=case.system, mounts=case.mounts)
    before = content(guest.fs)
    wanted = [] if operation.applies(guest) else list(operation.plan(guest, case.options))
    assert words(wanted) == list(case.wants)
    assert content(guest.fs) == before  # planning changes nothing
    assert all(isinstance(one, Note) or one.reason for one in wanted)
    taken = [guest.fs.resolve(one, follow=False) for one in removed_paths(wanted)]
    apply_changes(guest.fs, wanted)
    if not operation.applies(guest):
        again = list(operation.plan(guest, case.options))
        assert [one for one in again if not isinstance(one, Note | RunScript)] == []
    lost = set(before) - set(content(guest.fs))
    assert all(any(path == one or path.startswith(f"{one}/") for one in taken) for path in lost)


def test_every_operation_has_a_row_that_wants_something() -> None:
    wanting = {case.operation for case in CASES if case.wants}
    elsewhere = {"fs-uuids", "lvm-uuids", "customize"}  # test_disk_uuids.py; tests/unit/seal/customise
    assert {one.name for one in OPERATIONS} - wanting - elsewhere == set()


def test_rows_have_names_of_their_own() -> None:
    idents = [case.ident for case in CASES]
    assert sorted(set(idents)) == sorted(idents)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_metadata_says_why_and_from_where(operation: object) -> None:
    assert operation in OPERATIONS
    one = next(other for other in OPERATIONS if other is operation)
    assert one.source
    assert one.summary[0].isupper()
    assert len(one.summary) <= 100
    if isinstance(one.plan, RulePlanner):
        assert all(rule.reason and rule.globs for rule in one.plan.rules)
        assert all(glob.startswith(("/", "~/", "{/")) for rule in one.plan.rules for glob in rule.globs)
