"""The first administrator and the token of whoever owns the directory, also after a run that was killed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.engine.accounts.passwords import Passwords
from guestwright.engine.accounts.tokens import Tokens
from guestwright.engine.accounts.users import Users
from guestwright.engine.inventory.choices import Role
from guestwright.engine.inventory.database import Database
from guestwright.engine.process.certificate import Certificate
from guestwright.engine.process.first_run import Begun, begin
from guestwright.engine.process.settings import Settings

pytestmark = pytest.mark.system


class Place:
    """An installation."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "admin.token"
        self.database = Database(f"sqlite:///{directory}/engine.db", clock=time.time)
        self.users, self.tokens = Users(self.database, Passwords()), Tokens(self.database)

    def begin(self) -> Begun | None:
        return begin(self.database, self.users, self.tokens, str(self.path))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.database.close()


def test_a_first_run_and_the_next(place: Place) -> None:
    first = place.begin()
    assert first is not None
    assert first.password is not None
    assert first.issued
    who = place.tokens.accept(first.token, "")
    assert (who.role, who.payload_contents, who.guest_exec) == (Role.ADMIN, True, True)
    assert place.users.login("admin", first.password, "").user == who.user
    assert place.path.stat().st_mode & 0o777 == 0o600
    again = place.begin()
    assert again is not None
    assert again.password is None
    assert not again.issued
    assert again.token.reveal() == first.token.reveal()


@pytest.mark.parametrize("left", ["", "gwt_nonsense\n", "\xff\n"])
def test_a_token_that_is_no_good_is_made_anew(place: Place, left: str) -> None:
    first = place.begin()
    assert first is not None
    place.path.write_bytes(left.encode("latin-1"))
    if not left:
        os.unlink(place.path)
    again = place.begin()
    assert again is not None
    assert again.issued
    assert again.token.reveal() != first.token.reveal()
    who = place.tokens.accept(again.token, "")
    assert len(place.tokens.of(who, who.user)) == 1  # the lost one counts no more


def test_a_second_engine_on_the_database_leaves_the_first_its_token(place: Place, tmp_path: Path) -> None:
    first = place.begin()
    (tmp_path / "other").mkdir()
    other = begin(place.database, place.users, place.tokens, str(tmp_path / "other" / "admin.token"))
    assert first is not None
    assert other is not None
    assert other.token.reveal() != first.token.reveal()
    assert place.tokens.accept(first.token, "").user == place.tokens.accept(other.token, "").user


def test_where_somebody_else_rules_no_token_is_made(place: Place) -> None:
    first = place.begin()
    assert first is not None
    who = place.tokens.accept(first.token, "")
    with place.database.write() as tx:
        other = tx.users.get(who.user)
        tx.users.change(other.id, None, name="root-of-all")
    os.unlink(place.path)
    assert place.begin() is None
    assert not place.path.exists()


def test_a_certificate_is_made_once_and_anew_for_other_names(tmp_path: Path) -> None:
    path = tmp_path / "pki" / "server.pem"
    Certificate(Settings(directory=str(tmp_path), host="192.0.2.7"), time.time)
    first = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    Certificate(Settings(directory=str(tmp_path), host="192.0.2.7"), time.time)
    assert path.read_bytes() == first
    made = Certificate(Settings(directory=str(tmp_path), host="192.0.2.7", names=("gw.lan",)), time.time)
    assert path.read_bytes() != first
    assert Path(made.authority).exists()
