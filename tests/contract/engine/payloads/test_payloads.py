"""Payload objects: versions, contents for those who may, nothing of them anywhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import select, update

from guestwright.base.record import replace
from guestwright.engine.accounts.errors import MayNot
from guestwright.engine.accounts.rights import Principal
from guestwright.engine.inventory.choices import Device, Persistence, Role
from guestwright.engine.inventory.columns import METADATA
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import (
    ChangedMeanwhile,
    NameTaken,
    NothingToReferTo,
    NotInInventory,
    StillUsed,
)
from guestwright.engine.inventory.states import PayloadState
from guestwright.engine.inventory.tables import payload_versions
from guestwright.engine.payloads.errors import (
    BadAttachment,
    ContentsDamaged,
    KeyMissing,
    NoSuchVersion,
    VersionUsed,
)
from guestwright.engine.payloads.keys import Keys, keys, rotate
from guestwright.engine.payloads.payloads import Payloads
from guestwright.engine.payloads.resealing import keys_in_use, reseal
from guestwright.media.sources.errors import BadPayload, BadPayloadName, PayloadTooLarge
from guestwright.media.sources.files import Limits
from tests.support.engine_databases import Makes
from tests.support.inventories import template_with, vm

CANARY = b"canary-7f3a91"
FILES = {"scripts/first.sh": b"#!/bin/sh\necho " + CANARY, "empty": b""}
ANN = Principal(user="u", name="ann", role=Role.OPERATOR)
READER = replace(ANN, name="eve", payload_contents=True)


@pytest.fixture
def held(tmp_path: Path) -> Keys:
    return keys(str(tmp_path / "keys"), os.urandom)


@pytest.fixture
def payloads(database: Database, held: Keys) -> Payloads:
    return Payloads(database, lambda: held)


def test_versions_follow_each_other(payloads: Payloads) -> None:
    made = payloads.add(ANN, "web", "PAYLOAD", FILES, "of the front")
    assert (made.current, made.version) == (1, 1)
    after = payloads.replace(ANN, made.id, 1, "OTHER", {"a": b"2"})
    assert (after.current, after.version) == (2, 2)
    with pytest.raises(ChangedMeanwhile):
        payloads.replace(ANN, made.id, 1, "OTHER", {"a": b"3"})
    newest, first = payloads.versions(made.id)
    assert (newest.number, newest.label, dict(newest.files)) == (2, "OTHER", {"a": 1})
    assert (first.author, first.form, dict(first.files)) == (
        "ann",
        "files",
        {"scripts/first.sh": len(FILES["scripts/first.sh"]), "empty": 0},
    )
    assert payloads.contents(READER, made.id).files == {"a": b"2"}
    assert payloads.contents(READER, made.id, 1).files == FILES
    with pytest.raises(NoSuchVersion):
        payloads.contents(READER, made.id, 3)
    with pytest.raises(NotInInventory):
        payloads.contents(READER, "nothing")
    with pytest.raises(NotInInventory):
        payloads.versions("nothing")


def test_contents_take_a_right_of_their_own(payloads: Payloads, database: Database) -> None:
    made = payloads.add(ANN, "web", "PAYLOAD", FILES)
    admin = Principal(user="r", name="root", role=Role.ADMIN, remote="192.0.2.1")
    with pytest.raises(MayNot):
        payloads.contents(admin, made.id)
    payloads.contents(READER, made.id)
    with database.read() as tx:
        lines = [one for one in tx.audit.lines(subject=made.id) if one.action == "payload-read"]
    assert [(one.actor, one.outcome.value, one.remote) for one in lines] == [
        ("eve", "done", ""),
        ("root", "denied", "192.0.2.1"),
    ]
    viewer = replace(READER, role=Role.VIEWER)
    assert payloads.contents(viewer, made.id).files == FILES
    for attempt in (
        lambda: payloads.add(viewer, "x", "PAYLOAD", FILES),
        lambda: payloads.replace(viewer, made.id, None, "PAYLOAD", FILES),
        lambda: payloads.forget(viewer, made.id, 1),
        lambda: payloads.remove(viewer, made.id),
        lambda: payloads.attach(viewer, made.id, Persistence.PERMANENT, vm="x"),
        lambda: payloads.detach(viewer, "x"),
    ):
        with pytest.raises(MayNot):
            attempt()


def test_contents_are_nowhere(payloads: Payloads, database: Database, url: str, makes: Makes) -> None:
    made = payloads.add(ANN, "web", "PAYLOAD", FILES)
    contents = payloads.contents(READER, made.id)
    assert CANARY.decode() not in repr(contents)
    with database.read() as tx:
        rows = [repr(tx.connection.execute(select(one)).all()) for one in METADATA.tables.values()]
    assert CANARY.decode() not in "".join(rows)
    if makes.kind == "sqlite":
        path = Path(url.removeprefix("sqlite:///"))
        for one in path.parent.glob(path.name + "*"):
            assert CANARY not in one.read_bytes()


@pytest.mark.parametrize(
    ("label", "files", "error"),
    [
        ("PAYLOAD", {}, BadPayload),
        ("PAYLOAD", {"../etc/passwd": b""}, BadPayloadName),
        ("PAYLOAD", {"/etc/passwd": b""}, BadPayloadName),
        ("PAYLOAD", {"a\\b": b""}, BadPayloadName),
        ("PAYLOAD", {"a\0b": b""}, BadPayloadName),
        ("PAYLOAD", {"": b""}, BadPayloadName),
        ("PAYLOAD", {"a": b"", "A": b""}, BadPayloadName),
        ("PAYLOAD", {"a": b"x" * (16 * 1024 + 1)}, PayloadTooLarge),
        ("PAYLOAD", {f"f{n}": b"" for n in range(257)}, PayloadTooLarge),
        ("PAYLOAD", {f"f{n}": b"x" * 16384 for n in range(65)}, PayloadTooLarge),
        ("x" * 33, {"a": b""}, BadPayload),
        ("a/b", {"a": b""}, BadPayload),
        ("cidata", {"user-data": b"#cloud-config\n: : :", "meta-data": b"instance-id: x\n"}, BadPayload),
    ],
    ids=lambda one: str(one)[:24].encode("ascii", "replace").decode(),
)
def test_what_is_no_payload(
    payloads: Payloads, database: Database, label: str, files: dict[str, bytes], error: type[BadPayload]
) -> None:
    with pytest.raises(error):
        payloads.add(ANN, "web", label, files)
    with database.read() as tx:
        assert tx.payloads.count() == 0


def test_limits_are_the_operators(database: Database, held: Keys) -> None:
    tight = Payloads(database, lambda: held, limits=Limits(count=1, file_bytes=3, total_bytes=3))
    tight.add(ANN, "fits", "PAYLOAD", {"a": b"xxx"})
    with pytest.raises(PayloadTooLarge):
        tight.add(ANN, "big", "PAYLOAD", {"a": b"xxxx"})
    Payloads(database, lambda: held).add(ANN, "exact", "PAYLOAD", {"a": b"x" * 16384})


def test_the_form_follows_from_label_and_names(payloads: Payloads) -> None:
    seed = {"user-data": b"#cloud-config\nhostname: web\n", "meta-data": b"instance-id: i-1\n"}
    made = payloads.add(ANN, "seed", "cidata", seed)
    assert payloads.versions(made.id)[0].form == "nocloud"
    assert payloads.contents(READER, made.id).files == seed


def test_names_are_unique(payloads: Payloads, database: Database) -> None:
    payloads.add(ANN, "web", "PAYLOAD", FILES)
    with pytest.raises(NameTaken):
        payloads.add(ANN, "web", "PAYLOAD", FILES)
    with database.read() as tx:
        assert tx.connection.execute(select(payload_versions.c.number)).all() == [(1,)]


def test_one_of_each_persistence_belongs_to_a_machine(payloads: Payloads, database: Database) -> None:
    made = payloads.add(ANN, "web", "PAYLOAD", FILES)
    with database.write() as tx:
        machine = tx.vms.add(vm("web"))
        version = template_with(tx, [], sealed=False)
    first = payloads.attach(ANN, made.id, Persistence.PERMANENT, vm=machine.id, number=1)
    assert first.state is PayloadState.DEFINED
    once = payloads.attach(ANN, made.id, Persistence.RUN_ONCE, vm=machine.id, device=Device.FLOPPY)
    again = payloads.attach(ANN, made.id, Persistence.PERMANENT, vm=machine.id)
    payloads.attach(ANN, made.id, Persistence.PERMANENT, template_version=version.id)
    with database.read() as tx:
        assert tx.payload_uses.find(first.id) is None
        assert {one.id for one in tx.payload_uses.all()} >= {once.id, again.id}
        assert tx.payload_uses.count() == 3
    with pytest.raises(StillUsed):
        payloads.remove(ANN, made.id)
    for one in (once.id, again.id):
        payloads.detach(ANN, one)
    with database.write() as tx:
        tx.template_versions.remove(version.id)
    payloads.remove(ANN, made.id)
    with database.read() as tx:
        assert tx.connection.execute(select(payload_versions.c.number)).all() == []


def test_what_cannot_be_attached(payloads: Payloads, database: Database) -> None:
    made = payloads.add(ANN, "web", "PAYLOAD", FILES)
    with database.write() as tx:
        machine = tx.vms.add(vm("web"))
    with pytest.raises(BadAttachment):
        payloads.attach(ANN, made.id, Persistence.PERMANENT)
    with pytest.raises(BadAttachment):
        payloads.attach(ANN, made.id, Persistence.PERMANENT, vm="a", template_version="b")
    with pytest.raises(BadAttachment):
        payloads.attach(ANN, made.id, Persistence.PERMANENT, vm=machine.id, device=Device.DISK)
    with pytest.raises(NoSuchVersion):
        payloads.attach(ANN, made.id, Persistence.PERMANENT, vm=machine.id, number=2)
    with pytest.raises(NotInInventory):
        payloads.attach(ANN, "nothing", Persistence.PERMANENT, vm=machine.id)
    with pytest.raises(NothingToReferTo):
        payloads.attach(ANN, made.id, Persistence.PERMANENT, vm="nothing")
    with pytest.raises(NotInInventory):
        payloads.detach(ANN, "nothing")


def test_old_versions_go_when_nobody_asked_for_them(payloads: Payloads, database: Database) -> None:
    made = payloads.add(ANN, "web", "PAYLOAD", FILES)
    payloads.replace(ANN, made.id, None, "PAYLOAD", {"a": b"2"})
    with database.write() as tx:
        machine = tx.vms.add(vm("web"))
    use = payloads.attach(ANN, made.id, Persistence.PERMANENT, vm=machine.id, number=1)
    for number in (1, 2):
        with pytest.raises(VersionUsed):
            payloads.forget(ANN, made.id, number)
    with pytest.raises(NoSuchVersion):
        payloads.forget(ANN, made.id, 3)
    payloads.detach(ANN, use.id)
    payloads.forget(ANN, made.id, 1)
    assert [one.number for one in payloads.versions(made.id)] == [2]
    with database.read() as tx:
        assert tx.payloads.get(made.id).version == 2


def test_keys_are_changed_while_everything_can_be_read(
    database: Database, tmp_path: Path, held: Keys
) -> None:
    before = Payloads(database, lambda: held)
    ids = [before.add(ANN, f"p{number}", "PAYLOAD", {"a": b"%d" % number}).id for number in range(70)]
    new = rotate(str(tmp_path / "keys"), os.urandom)
    between = Payloads(database, lambda: new)
    late = between.add(ANN, "late", "PAYLOAD", FILES)
    assert between.contents(READER, ids[3]).files == {"a": b"3"}
    with pytest.raises(KeyMissing):
        before.contents(READER, late.id)
    assert keys_in_use(database) == {held.first, new.first}
    assert [reseal(database, new, os.urandom).count for _ in range(2)] == [70, 0]
    assert keys_in_use(database) == {new.first}
    one = Keys(first=new.first, all={new.first: new.all[new.first]})
    only = Payloads(database, lambda: one)
    assert only.contents(READER, ids[69]).files == {"a": b"69"}


def test_a_row_that_was_moved_is_refused(payloads: Payloads, database: Database) -> None:
    one = payloads.add(ANN, "one", "PAYLOAD", FILES)
    two = payloads.add(ANN, "two", "PAYLOAD", {"a": b""})
    table = payload_versions
    with database.write() as tx:
        sealed = tx.connection.scalar(select(table.c.sealed).where(table.c.payload_id == one.id))
        tx.connection.execute(update(table).where(table.c.payload_id == two.id).values(sealed=sealed))
    with pytest.raises(ContentsDamaged):
        payloads.contents(READER, two.id)
    assert payloads.for_host(one.id).files == FILES


def test_what_cannot_be_read_is_told_and_holds_up_nothing(database: Database, held: Keys) -> None:
    payloads = Payloads(database, lambda: held)
    ids = [payloads.add(ANN, f"p{number}", "PAYLOAD", FILES).id for number in range(3)]
    table = payload_versions
    with database.write() as tx:
        broken = update(table).where(table.c.payload_id == ids[1]).values(sealed=b"GWE1" + bytes(40))
        tx.connection.execute(broken)
    new = Keys(first="f" * 16, all={"f" * 16: bytes(32), **held.all})
    told = list[tuple[int, int]]()
    done = reseal(database, new, os.urandom, lambda *one: told.append(one))
    assert (done.count, told) == (2, [(1, 3), (2, 3), (3, 3)])
    assert len(done.unreadable) == 1
    assert ids[1] in done.unreadable[0]
    assert keys_in_use(database) == {new.first, held.first}
    assert Payloads(database, lambda: new).for_host(ids[2]).files == FILES
