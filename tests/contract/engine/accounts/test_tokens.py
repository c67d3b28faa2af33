"""Tokens: shown once, kept as a hash, ended, and never more than their user."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from guestwright.base.secret import Secret
from guestwright.engine.accounts.errors import BadToken, MayNot, TokenRefused, TooManyAttempts
from guestwright.engine.accounts.passwords import Passwords
from guestwright.engine.accounts.rights import Principal, Right
from guestwright.engine.accounts.tokens import PER_USER, Tokens
from guestwright.engine.accounts.users import Users
from guestwright.engine.inventory.choices import Role
from guestwright.engine.inventory.columns import METADATA
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import NameTaken, NotInInventory
from tests.support.engine_databases import Clock

GOOD = Secret("correct horse battery")


@pytest.fixture
def users(database: Database) -> Users:
    return Users(database, Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))


@pytest.fixture
def tokens(database: Database) -> Tokens:
    return Tokens(database)


@pytest.fixture
def root(users: Users) -> Principal:
    users.begin("root", GOOD)
    return users.login("root", GOOD, "")


def test_a_token_is_its_user(tokens: Tokens, root: Principal) -> None:
    token, text = tokens.issue(root, "backup", 60)
    caller = tokens.accept(text, "192.0.2.1")
    assert (caller.user, caller.name, caller.role, caller.token) == (root.user, "root", Role.ADMIN, token.id)
    assert caller.remote == "192.0.2.1"
    assert Right.PAYLOAD_CONTENTS not in caller.rights


def test_the_text_is_nowhere(tokens: Tokens, root: Principal, database: Database) -> None:
    token, text = tokens.issue(root, "backup", 60)
    secret = text.reveal().split("_", 2)[2]
    assert token.digest == hashlib.sha256(text.reveal()[-43:].encode()).hexdigest()
    with database.read() as tx:
        kept = [repr(tx.connection.execute(select(table)).all()) for table in METADATA.tables.values()]
    assert secret not in "".join(kept)
    assert token.digest not in repr(token)
    with database.read() as tx:
        assert token.digest not in repr(tx.events.after("").events)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text[:-1],
        lambda text: text + "A",
        lambda text: text.replace("gwt_0", "gwt_1", 1),
        lambda text: text.upper(),
        lambda text: "",
        lambda text: "gwt_\0",
        lambda text: text + "\n",
    ],
    ids=["secret", "short", "long", "id", "capitals", "empty", "nul", "line"],
)
def test_what_is_no_token(tokens: Tokens, root: Principal, change: Any) -> None:
    _, text = tokens.issue(root, "backup", 60)
    with pytest.raises(TokenRefused):
        tokens.accept(Secret(change(text.reveal())), "")


def test_a_token_ends(tokens: Tokens, root: Principal, clock: Clock, database: Database) -> None:
    _, text = tokens.issue(root, "backup", 60)
    clock.now += 59.9
    tokens.accept(text, "")
    clock.now += 0.1
    with pytest.raises(TokenRefused):
        tokens.accept(text, "")
    tokens.issue(root, "backup", 60)
    with database.read() as tx:
        assert tx.tokens.count() == 1


def test_a_token_may_do_what_it_and_its_user_may(users: Users, tokens: Tokens, root: Principal) -> None:
    made = users.add(root, "ann", GOOD, Role.OPERATOR, payload_contents=True, guest_exec=True)
    ann = users.login("ann", GOOD, "")
    _, plain = tokens.issue(ann, "plain", 60)
    _, full = tokens.issue(ann, "full", 60, payload_contents=True, guest_exec=True)
    _, small = tokens.issue(ann, "small", 60, role=Role.VIEWER)
    assert not tokens.accept(plain, "").payload_contents
    assert tokens.accept(full, "").rights == ann.rights
    assert tokens.accept(small, "").rights == {Right.READ, Right.OWN_TOKENS}
    users.change(root, made.id, None, role=Role.VIEWER, guest_exec=False)
    assert tokens.accept(full, "").rights == {Right.READ, Right.OWN_TOKENS, Right.PAYLOAD_CONTENTS}
    users.change(root, made.id, None, enabled=False)
    with pytest.raises(TokenRefused):
        tokens.accept(full, "")


def test_nobody_issues_more_than_they_have(users: Users, tokens: Tokens, root: Principal) -> None:
    users.add(root, "ann", GOOD, Role.OPERATOR)
    ann = users.login("ann", GOOD, "")
    with pytest.raises(MayNot):
        tokens.issue(ann, "t", 60, role=Role.ADMIN)
    with pytest.raises(MayNot):
        tokens.issue(ann, "t", 60, payload_contents=True)
    with pytest.raises(MayNot):
        tokens.issue(ann, "t", 60, guest_exec=True)
    _, small = tokens.issue(ann, "small", 60, role=Role.VIEWER)
    with pytest.raises(MayNot):
        tokens.issue(tokens.accept(small, ""), "more", 60, role=Role.OPERATOR)
    assert tokens.issue(tokens.accept(small, ""), "same", 60)[0].role is Role.VIEWER


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("", 60), ("a\n", 60), ("x" * 65, 60), ("a", 0), ("a", -1), ("a", 1e12), ("a", float("nan"))],
)
def test_what_is_not_issued(tokens: Tokens, root: Principal, name: str, seconds: float) -> None:
    with pytest.raises(BadToken):
        tokens.issue(root, name, seconds)


def test_there_are_not_endlessly_many(tokens: Tokens, root: Principal) -> None:
    for number in range(PER_USER):
        tokens.issue(root, f"t{number}", 60)
    with pytest.raises(BadToken):
        tokens.issue(root, "one more", 60)


def test_names_are_a_users_own(users: Users, tokens: Tokens, root: Principal) -> None:
    users.add(root, "ann", GOOD, Role.VIEWER)
    ann = users.login("ann", GOOD, "")
    tokens.issue(root, "t", 60)
    mine, _ = tokens.issue(ann, "t", 60)
    with pytest.raises(NameTaken):
        tokens.issue(ann, "t", 60)
    assert [one.id for one in tokens.of(ann, ann.user)] == [mine.id]
    assert [one.id for one in tokens.of(root, ann.user)] == [mine.id]
    with pytest.raises(MayNot):
        tokens.of(ann, root.user)


def test_tokens_are_revoked_by_their_user_or_an_administrator(
    users: Users, tokens: Tokens, root: Principal
) -> None:
    users.add(root, "ann", GOOD, Role.VIEWER)
    ann = users.login("ann", GOOD, "")
    roots, _ = tokens.issue(root, "t", 60)
    first, text = tokens.issue(ann, "first", 60)
    second, _ = tokens.issue(ann, "second", 60)
    with pytest.raises(MayNot):
        tokens.revoke(ann, roots.id)
    tokens.revoke(ann, first.id)
    tokens.revoke(root, second.id)
    with pytest.raises(TokenRefused):
        tokens.accept(text, "")
    with pytest.raises(NotInInventory):
        tokens.revoke(root, first.id)


def test_wrong_tokens_are_slowed_and_good_ones_are_not(tokens: Tokens, root: Principal) -> None:
    _, text = tokens.issue(root, "t", 60)
    for _ in range(21):
        with pytest.raises(TokenRefused):
            tokens.accept(Secret("gwt_wrong"), "192.0.2.1")
    with pytest.raises(TooManyAttempts):
        tokens.accept(Secret("gwt_wrong"), "192.0.2.1")
    assert tokens.accept(text, "192.0.2.1").user == root.user
    with pytest.raises(TokenRefused):
        tokens.accept(Secret("gwt_wrong"), "192.0.2.2")


def test_use_is_noted_once_a_minute(
    tokens: Tokens, root: Principal, clock: Clock, database: Database
) -> None:
    token, text = tokens.issue(root, "t", 600)
    seen = []
    for _ in range(3):
        clock.now += 40
        tokens.accept(text, "")
        with database.read() as tx:
            seen.append(tx.tokens.get(token.id).used)
    assert seen == [clock.now - 80, clock.now - 80, clock.now]
    with database.read() as tx:
        assert tx.tokens.get(token.id).version == 1
