"""What is written is read again; what cannot be a volume is refused by name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.base.record import replace
from guestwright.host.volumes.errors import BadVolume, VolumeDamaged
from guestwright.host.volumes.metadata import (
    METADATA_MAX,
    SIZE_MAX,
    Format,
    Holder,
    Kind,
    Metadata,
    Reason,
    State,
    Upload,
    check,
    check_id,
    decode,
    encode,
)

LEGAL = Metadata(id="v1", kind=Kind.LEAF, state=State.LEGAL, format=Format.QCOW2, size=1 << 20)
HOLDER = Holder(job="j", attempt=1, verb="copy")
LOCKED = replace(LEGAL, state=State.LOCKED, holder=HOLDER)


@given(
    size=st.integers(1, SIZE_MAX // 512).map(lambda count: count * 512),
    generation=st.integers(0, (1 << 53) - 1),
    description=st.text().filter(lambda text: text.isprintable() and len(text.encode()) <= 210),
    state=st.sampled_from(State),
    created=st.floats(0, 1e12),
)
def test_round_trip(size: int, generation: int, description: str, state: State, created: float) -> None:
    volume = replace(
        LEGAL,
        size=size,
        generation=generation,
        description=description,
        state=state,
        created=created,
        holder=HOLDER if state is State.LOCKED else None,
        upload=Upload(size=9, ranges=((0, 3), (4, 9))) if state is State.LOCKED else None,
    )
    assert decode("v1", encode(volume)) == volume
    assert len(encode(volume)) < METADATA_MAX


@pytest.mark.parametrize(
    "name",
    ["", "..", "a/b", "../x", ".hidden", "-rf", "A", "a.b", "a\n", "a\0", "ä", "a" * 65, "a b", "disk.raw"],
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(BadVolume):
        check_id(name)


@pytest.mark.parametrize("name", ["a", "0", "a" * 64, "6f1c2f9e-1d5b-4a63-8d4b-6a8f9d2f5b11", "a-"])
def test_what_is_a_name(name: str) -> None:
    assert check_id(name) == name


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"size": 0}, "size of 0"),
        ({"size": -512}, "size of -512"),
        ({"size": 513}, "multiples of 512"),
        ({"size": SIZE_MAX + 512}, "at most"),
        ({"generation": -1}, "generation -1"),
        ({"generation": 1 << 53}, "generation"),
        ({"description": "ä" * 106}, "210 bytes"),
        ({"description": "a\x1b[2J"}, "print"),
        ({"parent": "../v"}, "proper name"),
        ({"parent": "p", "kind": Kind.SHARED}, "leaf of format qcow2"),
        ({"parent": "p", "format": Format.RAW}, "leaf of format qcow2"),
        ({"state": State.LOCKED}, "locked by nobody"),
        ({"holder": HOLDER}, "held by a job"),
        ({"reason": Reason.SEALING}, "held by a job"),
        ({"upload": Upload(size=512)}, "what is there already"),
        ({"state": State.LOCKED, "holder": HOLDER, "upload": Upload(size=0)}, "upload of 0"),
        (
            {"state": State.LOCKED, "holder": HOLDER, "upload": Upload(size=9, sha256="x")},
            "64 hexadecimal digits",
        ),
        (
            {"state": State.LOCKED, "holder": HOLDER, "upload": Upload(size=9, ranges=((3, 4), (4, 5)))},
            "in disorder",
        ),
        (
            {"state": State.LOCKED, "holder": HOLDER, "upload": Upload(size=9, ranges=((3, 10),))},
            "in disorder",
        ),
    ],
)
def test_what_cannot_be(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadVolume, match=says):
        check(replace(LEGAL, **changes))


def _without(name: str) -> bytes:
    body = json.loads(encode(LOCKED))
    del body[name]
    return json.dumps(body).encode()


def _with(**values: Any) -> bytes:
    return json.dumps({**json.loads(encode(LOCKED)), **values}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 20_000,
        b" " * (METADATA_MAX + 1),
        *[_without(name) for name in json.loads(encode(LOCKED))],
        _with(version=2),
        _with(id="v2"),
        _with(size="1048576"),
        _with(size=True),
        _with(size=1048576.0),
        _with(state="healthy"),
        _with(format="vmdk"),
        _with(holder={"job": "j"}),
        _with(holder=None),
        _with(parent=None),
        _with(upload={"size": 512, "sha256": "", "ranges": [[1]]}),
    ],
)
def test_what_does_not_read_is_damaged(data: bytes) -> None:
    with pytest.raises(VolumeDamaged, match="v1"):
        decode("v1", data)


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_that(data: bytes) -> None:
    with pytest.raises(VolumeDamaged):
        decode("v1", data)
