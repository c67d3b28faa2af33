"""Every operation by every caller. A new operation without an expectation here fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from starlette.testclient import TestClient

from guestwright.engine.accounts.rights import ROLES, Right
from guestwright.engine.api.app import table
from guestwright.engine.api.endpoint import Endpoint
from guestwright.engine.api.parts import Parts
from guestwright.engine.inventory.choices import Role
from guestwright.engine.inventory.model import User
from tests.support.engine_api import PASSWORD, ApiStand, standing

pytestmark = pytest.mark.system

_NOTHING: Any = None
ENDPOINTS: Final = {
    one.name: one
    for one in table(
        Parts(
            database=_NOTHING,
            users=_NOTHING,
            tokens=_NOTHING,
            payloads=_NOTHING,
            jobs=_NOTHING,
            guests=_NOTHING,
            addresses=_NOTHING,
            clock=_NOTHING,
        ),
        _NOTHING,
    )
}

ANYBODY, VIEWER, OPERATOR, ADMIN = "anybody", "viewer", "operator", "admin"
CONTENTS, EXEC = "payload-contents", "guest-exec"
WHO: Final = {
    **dict.fromkeys(("about", "login", "openapi"), ANYBODY),
    **dict.fromkeys(("whoami", "logout", "tokens", "token-issue", "token-revoke", "user-password"), VIEWER),
    **dict.fromkeys(
        ("hosts", "host", "storage", "storage-domain", "volumes", "volume", "disks", "disk"), VIEWER
    ),
    **dict.fromkeys(("vms", "vm", "guest", "guest-history", "guest-wait", "vm-capabilities"), VIEWER),
    **dict.fromkeys(("alarms", "alarm", "vm-syspreps"), VIEWER),
    **dict.fromkeys(("vm-sysprep-job", "vm-payloads", "payloads", "payload", "payload-versions"), VIEWER),
    **dict.fromkeys(("templates", "template", "template-versions", "jobs", "job", "events"), VIEWER),
    "template-version": VIEWER,
    "template-version-change": OPERATOR,
    "template-ovf": VIEWER,
    "template-import": OPERATOR,
    **dict.fromkeys(("disk-uploads", "disk-upload", "disk-upload-begin", "disk-upload-write"), OPERATOR),
    **dict.fromkeys(("disk-upload-finish", "disk-upload-abandon", "disk-download", "disk-remove"), OPERATOR),
    **dict.fromkeys(("vm-create", "vm-change", "vm-remove", "vm-power", "vm-sysprep"), OPERATOR),
    **dict.fromkeys(("template-create", "template-remove", "job-cancel"), OPERATOR),
    **dict.fromkeys(("payload-add", "payload-replace", "payload-remove"), OPERATOR),
    **dict.fromkeys(("payload-uploads", "payload-upload", "payload-upload-begin"), OPERATOR),
    **dict.fromkeys(("payload-upload-write", "payload-upload-finish"), OPERATOR),
    **dict.fromkeys(("payload-upload-abandon", "payload-version-remove"), OPERATOR),
    **dict.fromkeys(("vm-payload-attach", "vm-payload-detach"), OPERATOR),
    **dict.fromkeys(("host-add", "host-change", "host-remove"), ADMIN),
    **dict.fromkeys(("users", "user", "user-add", "user-change", "user-remove", "audit"), ADMIN),
    **dict.fromkeys(("vm-memory", "vm-medium-insert", "vm-medium-eject", "guest-hostname"), OPERATOR),
    **dict.fromkeys(("guest-file-read", "guest-file-write"), EXEC),
    **dict.fromkeys(("guest-clipboard-set", "guest-clipboard-get"), EXEC),
    "payload-contents": CONTENTS,
    "vm-exec": EXEC,
}
RANK: Final = (VIEWER, OPERATOR, ADMIN)
_EXTRAS: Final = [
    *((role, extra) for role in RANK for extra in ("", "+both")),
    (ADMIN, "+contents"),
    (VIEWER, "+exec"),
]
CALLERS: Final = {f"{role}{extra}": (Role(role), extra) for role, extra in _EXTRAS}


@dataclass
class Stage:
    """An API with a user for each kind of caller."""

    stand: ApiStand
    client: TestClient
    users: dict[str, User]
    tokens: dict[str, str]
    expired: str


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with standing(tmp_path_factory.mktemp("api")) as stand, stand.client() as client:
        users, tokens = {}, {}
        for number, (name, (role, extra)) in enumerate(CALLERS.items()):
            both = extra == "+both"
            users[name] = stand.user(
                f"user{number}",
                role,
                payload_contents=both or extra == "+contents",
                guest_exec=both or extra == "+exec",
            )
            tokens[name] = stand.token(users[name], 366 * 86400.0)
        expired = stand.token(users["admin+both"], 1.0)
        stand.clock.now += 2
        yield Stage(stand, client, users, tokens, expired)


def ask(stage: Stage, one: Endpoint, token: str) -> Any:
    path = re.sub(r"\{\w+\}", "00000000-0000-7000-8000-00000000ffff", one.path)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body: dict[str, Any] = {} if one.body is None else {"json": {}}
    return stage.client.request(one.method, path, headers=headers, **body)


def allowed(name: str, caller: str) -> bool:
    role, extra = CALLERS[caller]
    wanted = WHO[name]
    if wanted in (CONTENTS, EXEC):
        return extra in ("+both", "+contents" if wanted == CONTENTS else "+exec")
    return wanted == ANYBODY or RANK.index(role) >= RANK.index(wanted)


def test_every_operation_has_an_expectation_and_none_is_left_over() -> None:
    assert set(WHO) == set(ENDPOINTS)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_right_of_an_operation_is_what_its_expectation_says(name: str) -> None:
    right, wanted = ENDPOINTS[name].right, WHO[name]
    if wanted in (CONTENTS, EXEC):
        assert right == wanted
        return
    assert (right is None) == (wanted == ANYBODY)
    if right is not None:
        least = next(role for role in Role if role in ROLES[right])
        assert least == wanted


@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_operation_is_for_those_who_may(stage: Stage, name: str) -> None:
    one = ENDPOINTS[name]
    for caller in CALLERS:
        token = stage.tokens[caller]
        if name == "logout":
            token = stage.stand.token(stage.users[caller], 366 * 86400.0)
        answer = ask(stage, one, token)
        code = answer.json().get("code", "") if answer.content else ""
        if allowed(name, caller):
            assert answer.status_code not in (401, 403), (caller, answer.text)
        else:
            assert (answer.status_code, code) == (403, "account-may-not"), (caller, answer.text)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_without_a_good_token_nothing_is_told(stage: Stage, name: str) -> None:
    one = ENDPOINTS[name]
    answer = ask(stage, one, "")
    if one.right is None:
        assert answer.status_code in (200, 400)
        return
    assert (answer.status_code, answer.json()["code"]) == (401, "api-no-token")
    assert answer.headers["www-authenticate"] == "Bearer"
    for token in (stage.expired, "gwt_nothing", "\u00e9".encode().decode("latin-1")):
        stage.stand.clock.now += 86401  # failures of before are forgotten
        headers = {b"Authorization": f"Bearer {token}".encode("latin-1")}
        path = re.sub(r"\{\w+\}", "x", one.path)
        answer = stage.client.request(one.method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "account-token-refused")


def test_a_token_may_be_less_than_its_user(stage: Stage) -> None:
    headers = {"Authorization": f"Bearer {stage.tokens['admin+both']}"}
    body = {"name": "small", "seconds": 1e6, "role": "viewer"}
    made = stage.client.post("/tokens", json=body, headers=headers).json()
    small = {"Authorization": f"Bearer {made['token']}"}
    assert stage.client.get("/whoami", headers=small).json()["rights"] == ["own-tokens", "read"]
    assert ask(stage, ENDPOINTS["users"], made["token"]).status_code == 403
    assert ask(stage, ENDPOINTS["payload-contents"], made["token"]).status_code == 403


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"role": "admin"}, id="role"),
        pytest.param({"payload_contents": True}, id="contents"),
        pytest.param({"guest_exec": True}, id="exec"),
    ],
)
def test_nobody_makes_a_token_with_more_than_they_have(stage: Stage, more: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {stage.tokens['operator']}"}
    answer = stage.client.post("/tokens", json={"name": "more", "seconds": 60, **more}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "account-may-not")


def test_tokens_and_passwords_of_others_are_for_administrators(stage: Stage) -> None:
    client, stand = stage.client, stage.stand
    one, two = stand.user("one", Role.VIEWER), stand.user("two", Role.OPERATOR)
    mine = {"Authorization": f"Bearer {stand.token(one)}"}
    stand.token(two)
    admin = {"Authorization": f"Bearer {stage.tokens['admin']}"}
    theirs = client.get("/tokens", params={"user": two.id}, headers=admin).json()["items"]
    assert len(theirs) == 1
    assert "digest" not in theirs[0]
    new = {"new": "another long password"}
    for answer in (
        client.get("/tokens", params={"user": two.id}, headers=mine),
        client.delete(f"/tokens/{theirs[0]['id']}", headers=mine),
        client.post(f"/users/{two.id}/password", json=new, headers=mine),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "account-may-not")
    assert client.post(f"/users/{two.id}/password", json=new, headers=admin).status_code == 204
    answer = client.post(f"/users/{one.id}/password", json={**new, "old": "not it"}, headers=mine)
    assert (answer.status_code, answer.json()["code"]) == (401, "account-login-refused")
    assert client.post("/login", json={"name": "one", "password": PASSWORD}).status_code == 200


def test_refusals_are_in_the_audit_log(tmp_path: Path) -> None:
    with standing(tmp_path) as stand, stand.client() as client:
        viewer = stand.user("eve", Role.VIEWER)
        headers = {"Authorization": f"Bearer {stand.token(viewer)}"}
        client.delete("/vms/x", headers=headers)
        client.get("/users", headers=headers)
        client.get("/payloads/p/contents", headers=headers)
        lines = [
            (one["actor"], one["action"], one["subject"], one["outcome"])
            for one in stand.admin().get("/audit").json()["items"]
        ]
        assert ("eve", "vm-remove", "x", "denied") in lines
        assert ("eve", "users", "", "denied") in lines
        assert ("eve", "payload-contents", "p", "denied") in lines


def test_every_right_is_some_operations() -> None:
    assert set(Right) == {one.right for one in ENDPOINTS.values()} - {None}
