from __future__ import annotations

import copy
import json
import pickle

import pytest

from guestwright.base.secret import Secret


def test_only_reveal_shows_it() -> None:
    secret = Secret("hunter2")
    assert secret.reveal() == "hunter2"
    for text in (repr(secret), str(secret), f"{secret}", f"{secret:>20}", f"{secret!r}", f"{[secret]}"):
        assert "hunter2" not in text


def test_compares_by_value() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")


def test_is_not_serialised() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret("a"))
    with pytest.raises(TypeError):
        copy.copy(Secret("a"))
    with pytest.raises(TypeError):
        json.dumps(Secret("a"))
