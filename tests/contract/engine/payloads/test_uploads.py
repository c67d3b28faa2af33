"""Uploads of payloads by ranges, on both databases."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from guestwright.base.record import replace
from guestwright.engine.accounts.errors import MayNot
from guestwright.engine.accounts.rights import Principal
from guestwright.engine.inventory.choices import Role
from guestwright.engine.inventory.columns import METADATA
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import ChangedMeanwhile, NameTaken, NotInInventory
from guestwright.engine.inventory.tables import payload_pieces
from guestwright.engine.payloads import pieces, uploads
from guestwright.engine.payloads.errors import (
    BadPayloadUpload,
    OutsidePayloadUpload,
    PayloadDiffers,
    PayloadIncomplete,
    PayloadUploadChanging,
    PieceUnreadable,
    TooManyPayloadUploads,
    TooManyPieces,
)
from guestwright.engine.payloads.keys import Keys
from guestwright.engine.payloads.payloads import Payloads
from guestwright.engine.payloads.resealing import keys_in_use, reseal
from guestwright.engine.payloads.uploads import PayloadUploads, Wanted, forget_uploads
from guestwright.media.sources.errors import BadPayload, BadPayloadName, PayloadTooLarge
from tests.support.engine_databases import Clock, Makes

CANARY = b"canary-81c2d0"
FILES = {"scripts/first.sh": b"#!/bin/sh\necho " + CANARY * 9, "empty": b"", "b": bytes(range(256)) * 8}
DATA = b"".join(FILES.values())
SIZES = [(name, len(data)) for name, data in FILES.items()]
WANTED = Wanted(files=SIZES, label="PAYLOAD", name="web", description="of the front")
ANN = Principal(user="u", name="ann", role=Role.OPERATOR)
READER = replace(ANN, name="eve", payload_contents=True)
VIEWER = replace(ANN, role=Role.VIEWER)
ONE = Keys(first="1" * 16, all={"1" * 16: b"1" * 32})
TWO = Keys(first="2" * 16, all={"2" * 16: b"2" * 32, **ONE.all})


@pytest.fixture
def payloads(database: Database) -> Payloads:
    return Payloads(database, lambda: ONE)


@pytest.fixture
def sent(database: Database, payloads: Payloads) -> PayloadUploads:
    return PayloadUploads(database, payloads)


def test_it_arrives_in_any_order_and_is_a_payload_then(sent: PayloadUploads, payloads: Payloads) -> None:
    known = sent.begin(ANN, WANTED)
    upload, size = known.upload.id, len(DATA)
    assert (known.upload.size, known.missing) == (size, ((0, size),))
    assert sent.write(upload, 1000, DATA[1000:]) == ((0, 1000),)
    assert sent.write(upload, 0, DATA[:10]) == ((10, 1000),)
    assert sent.get(upload).missing == ((10, 1000),)
    with pytest.raises(PayloadIncomplete) as refused:
        sent.finish(ANN, upload)
    assert (refused.value.params["count"], refused.value.params["first"]) == (990, 10)
    assert sent.write(upload, 10, DATA[10:1000]) == ()
    made = sent.finish(ANN, upload, hashlib.sha256(DATA).hexdigest())
    assert (made.name, made.description, made.current) == ("web", "of the front", 1)
    assert payloads.contents(READER, made.id).files == FILES
    for attempt in (lambda: sent.get(upload), lambda: sent.finish(ANN, upload)):
        with pytest.raises(NotInInventory):
            attempt()


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(writes=st.lists(st.tuples(st.integers(0, 39), st.binary(min_size=1, max_size=40)), max_size=12))
def test_the_last_word_counts_wherever_it_falls(
    database: Database, sent: PayloadUploads, payloads: Payloads, writes: list[tuple[int, bytes]]
) -> None:
    upload = sent.begin(ANN, replace(WANTED, files=[("a", 15), ("b", 25)])).upload.id
    model: list[int | None] = [None] * 40
    for start, whole in writes:
        data = whole[: 40 - start]
        missing = sent.write(upload, start, data)
        model[start : start + len(data)] = data
        assert [number for first, last in missing for number in range(first, last)] == [
            number for number, byte in enumerate(model) if byte is None
        ]
        with database.read() as tx:
            table = payload_pieces
            own = table.c.upload_id == upload
            assert tx.connection.scalar(select(func.sum(table.c.length)).where(own)) == 40 - model.count(None)
    for start, byte in enumerate(model):
        if byte is None:
            sent.write(upload, start, b"?")
    made = sent.finish(ANN, upload)
    content = bytes(63 if byte is None else byte for byte in model)
    assert payloads.contents(READER, made.id).files == {"a": content[:15], "b": content[15:]}
    payloads.remove(ANN, made.id)


def test_a_version_of_a_payload(sent: PayloadUploads, payloads: Payloads) -> None:
    there = payloads.add(ANN, "web", "PAYLOAD", {"a": b"1"})
    wanted = Wanted(files=[("a", 1)], label="PAYLOAD", payload=there.id, expected=there.version)
    first, second, whichever = (
        sent.begin(ANN, one).upload.id for one in (wanted, wanted, replace(wanted, expected=None))
    )
    for upload in (first, second, whichever):
        sent.write(upload, 0, b"2")
    assert sent.finish(ANN, first).current == 2
    with pytest.raises(ChangedMeanwhile):
        sent.finish(ANN, second)
    assert sent.get(second).missing == ()
    with pytest.raises(ChangedMeanwhile):
        sent.begin(ANN, wanted)
    assert sent.finish(ANN, whichever).current == 3
    payloads.remove(ANN, there.id)
    with pytest.raises(NotInInventory):  # it goes with what it was for
        sent.get(second)


def test_refused_at_its_end_it_is_as_before(sent: PayloadUploads, payloads: Payloads) -> None:
    upload = sent.begin(ANN, WANTED).upload.id
    sent.write(upload, 0, DATA)
    with pytest.raises(PayloadDiffers):
        sent.finish(ANN, upload, "0" * 64)
    payloads.add(ANN, "web", "PAYLOAD", {"a": b"1"})
    with pytest.raises(NameTaken):
        sent.finish(ANN, upload)
    with pytest.raises(NameTaken):
        sent.begin(ANN, WANTED)
    assert sent.get(upload).missing == ()

    seed = [("user-data", 23), ("meta-data", 15)]
    upload = sent.begin(ANN, Wanted(files=seed, label="cidata", name="seed")).upload.id
    sent.write(upload, 0, b"#cloud-config\n: : : :\n\ninstance-id: x\n")
    with pytest.raises(BadPayload):
        sent.finish(ANN, upload)
    sent.write(upload, 0, b"#cloud-config\nfqdn: ab\n")
    made = sent.finish(ANN, upload)
    assert payloads.versions(made.id)[0].form == "nocloud"


def test_written_to_while_it_ends(
    sent: PayloadUploads, payloads: Payloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = sent.begin(ANN, WANTED).upload.id
    sent.write(upload, 0, DATA)
    checked = payloads.checked

    def meanwhile(*given: Any) -> Any:
        sent.write(upload, 0, b"!")
        return checked(*given)

    monkeypatch.setattr(payloads, "checked", meanwhile)
    with pytest.raises(PayloadUploadChanging):
        sent.finish(ANN, upload)
    monkeypatch.undo()
    made = sent.finish(ANN, upload)
    assert payloads.contents(READER, made.id).files["scripts/first.sh"].startswith(b"!!/bin/sh")


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (replace(WANTED, files=[]), BadPayload),
        (replace(WANTED, files=[("../etc/passwd", 1)]), BadPayloadName),
        (replace(WANTED, files=[("a", 1), ("A", 1)]), BadPayloadName),
        (replace(WANTED, files=[("a", 16385)]), PayloadTooLarge),
        (replace(WANTED, files=[(f"f{n}", 16384) for n in range(65)]), PayloadTooLarge),
        (replace(WANTED, label="a/b"), BadPayload),
        (replace(WANTED, name=""), BadPayloadUpload),
        (replace(WANTED, payload="p"), BadPayloadUpload),
        (replace(WANTED, name="", payload="p"), BadPayloadUpload),
        (replace(WANTED, expected=1), BadPayloadUpload),
        (replace(WANTED, name="", description="", payload="nothing"), NotInInventory),
    ],
    ids=lambda one: str(one)[:24].encode("ascii", "replace").decode(),
)
def test_what_cannot_become_a_payload(
    sent: PayloadUploads, database: Database, wanted: Wanted, error: type[Exception]
) -> None:
    with pytest.raises(error):
        sent.begin(ANN, wanted)
    with database.read() as tx:
        assert tx.payload_uploads.count() == 0


@pytest.mark.parametrize(
    ("start", "data"),
    [(0, DATA + b"x"), (len(DATA), b"x"), (-1, b"x"), (1 << 62, b"x")],
    ids=["more", "behind", "before", "far"],
)
def test_nothing_is_kept_outside_of_it(sent: PayloadUploads, start: int, data: bytes) -> None:
    known = sent.begin(ANN, WANTED)
    with pytest.raises(OutsidePayloadUpload):
        sent.write(known.upload.id, start, data)
    assert sent.get(known.upload.id).missing == known.missing


def test_there_are_bounds(sent: PayloadUploads, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECES_MAX", 3)
    monkeypatch.setattr(uploads, "UPLOADS_MAX", 2)
    upload = sent.begin(ANN, WANTED).upload.id
    for number in range(3):
        sent.write(upload, number * 2, b"x")
    with pytest.raises(TooManyPieces):
        sent.write(upload, 6, b"x")
    assert sent.get(upload).missing[-1] == (5, len(DATA))
    sent.write(upload, 0, DATA)
    sent.begin(ANN, WANTED)
    with pytest.raises(TooManyPayloadUploads):
        sent.begin(ANN, WANTED)
    sent.begin(READER, WANTED)
    sent.finish(ANN, upload)
    with database.read() as tx:
        assert tx.connection.execute(select(payload_pieces.c.start)).all() == []


def test_it_takes_the_right_to_change_payloads(sent: PayloadUploads) -> None:
    upload = sent.begin(ANN, WANTED).upload.id
    for attempt in (
        lambda: sent.begin(VIEWER, WANTED),
        lambda: sent.finish(VIEWER, upload),
        lambda: sent.abandon(VIEWER, upload),
    ):
        with pytest.raises(MayNot):
            attempt()
    sent.abandon(ANN, upload)
    with pytest.raises(NotInInventory):
        sent.abandon(ANN, upload)


def test_it_is_forgotten_when_nobody_goes_on(sent: PayloadUploads, database: Database, clock: Clock) -> None:
    old, alive = (sent.begin(ANN, WANTED).upload.id for _ in range(2))
    sent.write(old, 0, DATA)
    clock.now += 100
    sent.write(alive, 0, DATA)
    with database.write() as tx:
        assert forget_uploads(tx, clock.now - 50) == 1
    assert sent.get(alive).missing == ()
    with pytest.raises(NotInInventory):
        sent.get(old)
    with database.read() as tx:
        assert tx.connection.scalars(select(payload_pieces.c.upload_id)).all() == [alive]


def test_what_has_arrived_is_nowhere_to_be_read(
    sent: PayloadUploads, database: Database, url: str, makes: Makes
) -> None:
    upload = sent.begin(ANN, WANTED).upload.id
    sent.write(upload, 0, DATA)
    digests = (hashlib.sha256(DATA).hexdigest().encode(), hashlib.sha256(DATA).digest())
    with pytest.raises(PayloadDiffers):
        sent.finish(ANN, upload, "0" * 64)
    with database.read() as tx:
        rows = "".join(repr(tx.connection.execute(select(one)).all()) for one in METADATA.tables.values())
    assert CANARY.decode() not in rows
    assert digests[0].decode() not in rows
    if makes.kind == "sqlite":
        path = Path(url.removeprefix("sqlite:///"))
        for one in path.parent.glob(path.name + "*"):
            assert not any(secret in one.read_bytes() for secret in (CANARY, *digests))


def test_keys_are_changed_in_the_middle_of_it(database: Database, payloads: Payloads) -> None:
    before = PayloadUploads(database, payloads)
    upload = before.begin(ANN, WANTED).upload.id
    before.write(upload, 0, DATA[:100])
    later = Payloads(database, lambda: TWO)
    after = PayloadUploads(database, later)
    after.write(upload, 50, DATA[50:])
    assert keys_in_use(database) == {TWO.first}  # what was cut was encrypted anew
    before.write(upload, 0, DATA[:50])  # an engine that has the former file still
    assert reseal(database, TWO, os.urandom).count == 1
    only = Payloads(database, lambda: Keys(first=TWO.first, all={TWO.first: TWO.all[TWO.first]}))
    made = PayloadUploads(database, only).finish(ANN, upload)
    assert only.contents(READER, made.id).files == FILES


def test_a_piece_that_was_moved_or_lost_its_key_is_refused(sent: PayloadUploads, database: Database) -> None:
    upload = sent.begin(ANN, WANTED).upload.id
    sent.write(upload, 0, DATA[:64])
    sent.write(upload, 64, DATA[64:])
    table = payload_pieces
    elsewhere = PayloadUploads(
        database, Payloads(database, lambda: Keys(first="3" * 16, all={"3" * 16: b"3" * 32}))
    )
    with pytest.raises(PieceUnreadable, match="1111"):
        elsewhere.finish(ANN, upload)
    with database.write() as tx:
        sealed = tx.connection.scalar(select(table.c.sealed).where(table.c.start == 64))
        tx.connection.execute(update(table).where(table.c.start == 0).values(sealed=sealed))
    with pytest.raises(PieceUnreadable):
        sent.finish(ANN, upload)
    sent.write(upload, 0, DATA[:64])
    sent.finish(ANN, upload)
