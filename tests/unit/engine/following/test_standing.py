"""How what a host says of a volume is recorded."""

from __future__ import annotations

import itertools

import pytest

from guestwright.engine.following.said import Volume
from guestwright.engine.following.standing import begins, events_to
from guestwright.engine.inventory.choices import DiskFormat
from guestwright.engine.inventory.errors import NotAllowedNow
from guestwright.engine.inventory.machine import Standing
from guestwright.engine.inventory.states import VOLUME, VolumeKind, VolumeState


def said(state: str, kind: str = "leaf", sealed: str = "", reason: str = "") -> Volume:
    return Volume(
        id="v1",
        kind=VolumeKind(kind),
        state=VolumeState(state),
        format=DiskFormat.RAW,
        size=512,
        sealed=sealed,
        reason=reason,
    )


def after(standing: Standing, one: Volume) -> str:
    for event in events_to(standing, one):
        standing = VOLUME.after(standing, event)
    return " ".join(standing)


@pytest.mark.parametrize(
    ("one", "recorded"),
    [
        pytest.param(said("locked"), "locked leaf none", id="being made"),
        pytest.param(said("legal"), "legal leaf none", id="leaf"),
        pytest.param(said("legal", "shared"), "legal shared none", id="shared"),
        pytest.param(said("legal", "shared", sealed="j"), "legal shared done", id="template"),
        pytest.param(said("legal", sealed="j"), "legal leaf done", id="sealed leaf"),
        pytest.param(said("illegal", reason="declared"), "illegal leaf none", id="declared"),
        pytest.param(said("illegal", reason="seal-unfinished"), "illegal leaf wanted", id="unsealed"),
        pytest.param(said("illegal", reason="sealing"), "illegal leaf wanted", id="sealing"),
    ],
)
def test_a_volume_that_is_met(one: Volume, recorded: str) -> None:
    assert after(begins(one), one) == recorded


@pytest.mark.parametrize(
    ("before", "one", "recorded"),
    [
        pytest.param("illegal leaf wanted", said("legal", sealed="j"), "legal leaf done", id="was sealed"),
        pytest.param("legal leaf none", said("legal", "shared"), "legal shared none", id="was shared"),
        pytest.param("legal leaf done", said("legal"), "legal leaf done", id="stays"),
        pytest.param("illegal leaf none", said("legal"), "legal leaf none", id="accepted"),
        pytest.param(
            "legal leaf none", said("illegal", reason="sealing"), "illegal leaf wanted", id="is sealed"
        ),
    ],
)
def test_a_volume_that_was_known(before: str, one: Volume, recorded: str) -> None:
    assert after(tuple(before.split()), one) == recorded


@pytest.mark.parametrize(
    ("before", "one"),
    [
        pytest.param("illegal leaf wanted", said("legal"), id="legal and unsealed"),
        pytest.param("illegal leaf wanted", said("legal", "shared"), id="shared and unsealed"),
        pytest.param("locked leaf wanted", said("legal"), id="never sealed"),
        pytest.param("legal leaf none", said("locked"), id="made anew"),
        pytest.param("legal shared none", said("legal"), id="a leaf again"),
    ],
)
def test_what_is_refused(before: str, one: Volume) -> None:
    with pytest.raises(NotAllowedNow):
        events_to(tuple(before.split()), one)


def test_no_word_of_a_host_leads_to_legal_and_unsealed() -> None:
    words = itertools.product(
        VolumeState, VolumeKind, ("", "job"), ("", "declared", "sealing", "seal-unfinished")
    )
    tried = 0
    for (state, kind, sealed, reason), before in itertools.product(words, VOLUME.standings):
        one = said(state, kind, sealed, reason)
        try:
            found = after(before, one)
        except NotAllowedNow:
            continue
        tried += 1
        assert not found.startswith("legal") or not found.endswith("wanted")
        assert sealed or "wanted" not in before or not found.startswith("legal")
    assert tried > 100
