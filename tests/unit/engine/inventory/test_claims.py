"""What facts claim, of whatever shape they are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.engine.inventory.claims import claims_of
from guestwright.host.facts.duplicates import EACH_MAX, IdentityKind

KEYS = ("machine_id", "ssh", "mac", "kind")
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
)
KINDS = {one.value for one in IdentityKind}


@pytest.mark.parametrize(
    ("name", "value", "claimed"),
    [
        (
            "identity",
            {"machine_id": "ab", "ssh": ["RSA SHA256:x", "RSA SHA256:x", "ED25519 SHA256:y"]},
            (("machine-id", "ab"), ("ssh-host-key", "RSA SHA256:x"), ("ssh-host-key", "ED25519 SHA256:y")),
        ),
        ("identity", {"machine_id": "", "ssh": []}, ()),
        ("identity", {"machine_id": 7, "ssh": "RSA"}, ()),
        ("identity", None, ()),
        ("nics", [{"mac": "52:54:00:00:00:01", "kind": "virtio"}], (("mac-address", "52:54:00:00:00:01"),)),
        ("nics", [{"mac": "52:54:00:00:00:01", "kind": "bridge"}, {"mac": ""}, 4, {"mac": []}], ()),
        ("nics", [{"mac": "52:54:00:00:00:01", "kind": []}], (("mac-address", "52:54:00:00:00:01"),)),
        ("nics", {"mac": "52:54:00:00:00:01"}, ()),
        ("host", {"machine_id": "ab"}, ()),
    ],
)
def test_claims(name: str, value: Any, claimed: tuple[tuple[str, str], ...]) -> None:
    assert claims_of(name, value) == claimed


def test_very_many_are_bounded() -> None:
    found = claims_of("identity", {"ssh": [f"RSA SHA256:{number}" for number in range(1000)]})
    assert len(found) == EACH_MAX


@given(st.sampled_from(["identity", "nics"]), ANY)
def test_any_shape(name: str, value: Any) -> None:
    for kind, text in claims_of(name, value):
        assert kind in KINDS
        assert text.isprintable()
