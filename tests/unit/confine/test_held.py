"""The record of protections."""

from __future__ import annotations

import pytest

from guestwright.confine.held import Held


@pytest.mark.parametrize(
    ("held", "enough"),
    [
        pytest.param(Held(), False, id="nothing"),
        pytest.param(Held(landlock=1), True, id="landlock alone"),
        pytest.param(Held(mount_namespace=True), False, id="mount namespace alone"),
        pytest.param(Held(user_dropped=True), False, id="dropped user alone"),
        pytest.param(Held(mount_namespace=True, user_dropped=True), True, id="namespace and user"),
        pytest.param(Held(mount_namespace=True, empty_root=True), True, id="namespace and empty root"),
        pytest.param(
            Held(seccomp=True, limits=True, network_namespace=True), False, id="others do not count"
        ),
    ],
)
def test_what_is_enough(held: Held, enough: bool) -> None:
    assert held.enough is enough


def test_survives_the_pipe() -> None:
    held = Held(landlock=7, seccomp=True, limits=True)
    assert Held.from_bytes(held.to_bytes()) == held


def test_a_foreign_line_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown protection"):
        Held.from_bytes(b"landlock=7 armour=1")


def test_missing_names_what_does_not_hold() -> None:
    held = Held(landlock=3, mount_namespace=True)
    assert "seccomp" in held.missing()
    assert "landlock" not in held.missing()
