"""Users: made, changed, removed, logged in; guessing is slowed; everything is in the audit log."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from argon2 import PasswordHasher

from guestwright.base.secret import Secret
from guestwright.engine.accounts import failures
from guestwright.engine.accounts.errors import (
    AlreadyBegun,
    BadPassword,
    BadUserName,
    LastAdmin,
    LoginRefused,
    MayNot,
    TooManyAttempts,
)
from guestwright.engine.accounts.passwords import MOST, Passwords
from guestwright.engine.accounts.rights import Principal
from guestwright.engine.accounts.tokens import Tokens
from guestwright.engine.accounts.users import Users
from guestwright.engine.inventory.choices import Outcome, Role
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import ChangedMeanwhile, NameTaken, NotInInventory
from guestwright.engine.inventory.model import User
from tests.support.engine_databases import Clock
from tests.support.inventories import vm

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
GOOD = Secret("correct horse battery")
OTHER = Secret("another long password")


@pytest.fixture
def users(database: Database) -> Users:
    return Users(database, Passwords(CHEAP))


@pytest.fixture
def root(users: Users) -> Principal:
    users.begin("root", GOOD)
    return users.login("root", GOOD, "")


def audited(database: Database, action: str) -> list[tuple[str, str, str]]:
    with database.read() as tx:
        lines = tx.audit.lines(most=1000)
    return [(one.actor, one.subject, one.outcome.value) for one in lines if one.action == action][::-1]


def test_the_first_user_is_made_once(users: Users, database: Database) -> None:
    first = users.begin("root", GOOD)
    assert first.role is Role.ADMIN
    assert not first.payload_contents
    with pytest.raises(AlreadyBegun):
        users.begin("root2", GOOD)
    assert audited(database, "user-added") == [("", "root", "done")]


def test_who_logs_in_has_the_rights_of_the_user(users: Users, root: Principal, database: Database) -> None:
    made = users.add(root, "ann", GOOD, Role.OPERATOR, payload_contents=True, full_name="Ann")
    ann = users.login("Ann", GOOD, "192.0.2.1")
    assert ann == Principal(
        user=made.id, name="ann", role=Role.OPERATOR, payload_contents=True, remote="192.0.2.1"
    )
    assert audited(database, "login")[-1] == ("ann", "", "done")


def test_passwords_are_hashed_and_shown_nowhere(users: Users, root: Principal, database: Database) -> None:
    made = users.add(root, "ann", OTHER, Role.VIEWER)
    assert made.password.startswith("$argon2id$")
    assert OTHER.reveal() not in repr(made)
    assert made.password not in repr(made)
    with database.read() as tx:
        told = repr(tx.events.after("").events) + repr(tx.audit.lines())
    assert "argon2" not in told
    assert OTHER.reveal() not in told


@pytest.mark.parametrize("name", ["", "Ann", "a b", "a\nb", "-a", "a" * 65, "ä", "a/b", "a\0"])
def test_names_that_no_user_has(users: Users, root: Principal, name: str) -> None:
    with pytest.raises(BadUserName):
        users.add(root, name, GOOD, Role.VIEWER)
    with pytest.raises(LoginRefused):
        users.login(name, GOOD, "")


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * (MOST + 1), "x" * 20 + "\ud800"])
def test_passwords_that_are_not_accepted(users: Users, root: Principal, password: str) -> None:
    with pytest.raises(BadPassword) as refused:
        users.add(root, "ann", Secret(password), Role.VIEWER)
    if len(password) > 3:
        assert password not in refused.value.message
    users.add(root, "ann", GOOD, Role.VIEWER)
    with pytest.raises(LoginRefused):
        users.login("ann", Secret(password), "")


def test_the_same_answer_for_all_causes(users: Users, root: Principal, database: Database) -> None:
    made = users.add(root, "ann", GOOD, Role.VIEWER)
    users.change(root, made.id, 1, enabled=False)
    answers = set()
    for name, password in (("ann", GOOD), ("root", OTHER), ("nobody", GOOD)):
        with pytest.raises(LoginRefused) as refused:
            users.login(name, password, "::1")
        answers.add(str(refused.value))
    assert len(answers) == 1
    assert [one for one in audited(database, "login") if one[2] == Outcome.DENIED] == [
        ("ann", "", "denied"),
        ("root", "", "denied"),
        ("nobody", "", "denied"),
    ]


def test_guessing_is_slowed_and_the_wait_ends(users: Users, root: Principal, clock: Clock) -> None:
    for _ in range(5):
        with pytest.raises(LoginRefused):
            users.login("root", OTHER, "192.0.2.1")
    with pytest.raises(TooManyAttempts) as slowed:
        users.login("root", GOOD, "192.0.2.1")
    assert slowed.value.params["seconds"] == 1
    assert users.login("root", GOOD, "192.0.2.2").user == root.user
    clock.now += 1
    assert users.login("root", GOOD, "192.0.2.1").user == root.user
    with pytest.raises(LoginRefused):
        users.login("root", OTHER, "192.0.2.1")


def test_who_tries_many_names_is_slowed(users: Users, root: Principal, clock: Clock) -> None:
    for number in range(21):
        with pytest.raises(LoginRefused):
            users.login(f"user{number}", GOOD, "192.0.2.1")
    with pytest.raises(TooManyAttempts):
        users.login("root", GOOD, "192.0.2.1")
    assert users.login("root", GOOD, "192.0.2.2").user == root.user
    clock.now += 86401
    assert users.login("root", GOOD, "192.0.2.1").user == root.user


def test_attempts_at_once_are_counted_each(users: Users, root: Principal) -> None:
    """However many arrive together, no more are judged than one after the other, but for the first round."""
    del root
    with pytest.raises(LoginRefused):
        users.login("root", OTHER, "192.0.2.1")
    ends: list[str] = []
    barrier = threading.Barrier(8)

    def guess() -> None:
        barrier.wait(60)
        try:
            users.login("root", OTHER, "192.0.2.1")
        except LoginRefused:
            ends.append("judged")
        except TooManyAttempts:
            ends.append("slowed")

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(ends) == ["judged"] * 4 + ["slowed"] * 4


def test_counts_are_forgotten(users: Users, root: Principal, database: Database, clock: Clock) -> None:
    del root
    with pytest.raises(LoginRefused):
        users.login("root", OTHER, "192.0.2.1")
    with database.write() as tx:
        assert failures.prune(tx) == 0
    clock.now += 86401
    with database.write() as tx:
        assert failures.prune(tx) > 0


def test_a_hash_is_made_anew_when_parameters_rise(database: Database, users: Users, root: Principal) -> None:
    del users
    dearer = Users(database, Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)))
    dearer.login("root", GOOD, "")
    with database.read() as tx:
        changed = tx.users.get(root.user)
    assert "t=2" in changed.password
    assert changed.version == 1
    dearer.login("root", GOOD, "")


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_only_administrators_change_users(users: Users, root: Principal, role: str) -> None:
    users.add(root, "ann", GOOD, Role(role))
    ann = users.login("ann", GOOD, "")
    with pytest.raises(MayNot):
        users.add(ann, "bob", GOOD, Role.VIEWER)
    with pytest.raises(MayNot):
        users.change(ann, ann.user, None, role=Role.ADMIN)
    with pytest.raises(MayNot):
        users.remove(ann, root.user)
    with pytest.raises(MayNot):
        users.set_password(ann, root.user, OTHER, old=GOOD)


def test_the_last_administrator_stays(users: Users, root: Principal) -> None:
    changes: list[dict[str, Any]] = [{"role": Role.VIEWER}, {"role": "operator"}, {"enabled": False}]
    for change in changes:
        with pytest.raises(LastAdmin):
            users.change(root, root.user, None, **change)
    with pytest.raises(LastAdmin):
        users.remove(root, root.user)
    other = users.add(root, "ann", GOOD, Role.ADMIN, enabled=False)
    with pytest.raises(LastAdmin):
        users.remove(root, root.user)
    users.change(root, other.id, 1, enabled=True)
    users.remove(root, root.user)


def test_changes_name_a_version_and_are_audited(users: Users, root: Principal, database: Database) -> None:
    made = users.add(root, "ann", GOOD, Role.VIEWER)
    changed = users.change(root, made.id, 1, role=Role.OPERATOR, guest_exec=True)
    assert (changed.version, changed.role, changed.guest_exec) == (2, Role.OPERATOR, True)
    with pytest.raises(ChangedMeanwhile):
        users.change(root, made.id, 1, role=Role.VIEWER)
    with pytest.raises(ValueError, match="password"):
        users.change(root, made.id, 2, password="x")
    with pytest.raises(ValueError, match="colour"):
        users.add(root, "bob", GOOD, Role.VIEWER, colour="x")
    with pytest.raises(NameTaken):
        users.add(root, "ann", GOOD, Role.VIEWER)
    assert audited(database, "user-changed") == [("root", "ann", "done")]
    with database.read() as tx:
        (line,) = tx.audit.lines(subject="ann", most=1)
    assert line.detail == {"role": "operator", "guest_exec": True}


def test_who_goes_takes_tokens_and_leaves_machines(users: Users, root: Principal, database: Database) -> None:
    ann = users.add(root, "ann", GOOD, Role.OPERATOR)
    Tokens(database).issue(users.login("ann", GOOD, ""), "t", 60)
    with database.write() as tx:
        machine = tx.vms.add(vm("web", owner_id=ann.id))
    users.remove(root, ann.id)
    with database.read() as tx:
        assert tx.vms.get(machine.id).owner_id is None
        assert tx.tokens.count() == 0
    with pytest.raises(NotInInventory):
        users.remove(root, ann.id)


def test_a_new_password_ends_tokens(users: Users, root: Principal, database: Database) -> None:
    ann: User = users.add(root, "ann", GOOD, Role.VIEWER)
    own = users.login("ann", GOOD, "")
    Tokens(database).issue(own, "t", 60)
    with pytest.raises(LoginRefused):
        users.set_password(own, ann.id, OTHER)
    with pytest.raises(LoginRefused):
        users.set_password(own, ann.id, OTHER, old=OTHER)
    users.set_password(own, ann.id, OTHER, old=GOOD)
    with database.read() as tx:
        assert tx.tokens.count() == 0
    users.login("ann", OTHER, "")
    users.set_password(root, ann.id, GOOD)
    users.login("ann", GOOD, "")
    assert audited(database, "password-changed") == [("ann", "ann", "done"), ("root", "ann", "done")]
