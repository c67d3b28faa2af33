"""Canaries: passwords, tokens, contents and answers are in no reply, log or file of the database."""

from __future__ import annotations

import base64
import logging
from pathlib import Path
from typing import Any

import pytest

from guestwright.engine.inventory.choices import Role
from tests.support.engine_api import standing

pytestmark = pytest.mark.system

PASSWORDS = {"canary password one", "canary password two", "canary password bad"}
CONTENTS = "canary-contents"
ANSWERS = "canary-answers"
UPLOADED = "canary-uploaded"
FILE, COPIED = "canary-of-a-file", "canary-copied"
STDIN, ARGV = "canary-stdin", "canary-argv"


def seen(text: str, secrets: set[str]) -> list[str]:
    forms = {one: (one, base64.b64encode(one.encode()).decode().rstrip("=")[:-1]) for one in secrets}
    return [one for one, shapes in forms.items() if any(shape in text for shape in shapes)]


def test_no_secret_is_where_it_should_not_be(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    replies: list[str] = []
    secrets = {*PASSWORDS, CONTENTS, UPLOADED, FILE, COPIED, ANSWERS, STDIN, ARGV}
    with standing(tmp_path) as stand, stand.admin() as client:

        def ask(method: str, path: str, **more: Any) -> Any:
            answer = client.request(method, path, **more)
            replies.append(answer.text + str(answer.headers))
            return answer

        vm = stand.vm("web").id
        user = ask("POST", "/users", json={"name": "eve", "password": "canary password one"}).json()
        ask("POST", "/users", json={"name": "eve", "password": "canary password bad"})
        ask("POST", "/users", json={"name": "eve", "password": ["canary password bad"]})
        ask("POST", f"/users/{user['id']}/password", json={"new": "canary password two"})
        ask("POST", "/login", json={"name": "eve", "password": "canary password bad"})
        ask("POST", "/login", json={"name": "eve", "passwort": "canary password bad"})
        token = client.post("/login", json={"name": "eve", "password": "canary password two"}).json()["token"]
        eve = {"Authorization": f"Bearer {token}"}
        issued = client.post("/tokens", json={"name": "t", "seconds": 60}, headers=eve).json()["token"]
        secrets |= {token, issued, token.split("_", 2)[2], issued.split("_", 2)[2]}
        ask("GET", "/tokens", headers=eve)
        ask("GET", "/whoami", headers=eve)
        ask("GET", "/whoami", headers={"Authorization": f"Bearer {token}x"})
        files = {"user-data": base64.b64encode(CONTENTS.encode() * 3).decode()}
        payload = ask("POST", "/payloads", json={"name": "p", "files": files}).json()["id"]
        ask("POST", "/payloads", json={"name": "p", "files": files})
        ask("POST", "/payloads", json={"name": "q", "files": {"../x": files["user-data"]}})
        ask("PUT", f"/payloads/{payload}", json={"files": files})
        for path in (f"/payloads/{payload}", "/payloads", f"/payloads/{payload}/versions"):
            ask("GET", path)
        ask("GET", f"/payloads/{payload}/contents", headers=eve)
        body = {"name": "u", "files": [{"name": "user-data", "size": len(UPLOADED) * 3}]}
        upload = f"/payloads/uploads/{ask('POST', '/payloads/uploads', json=body).json()['id']}"
        ask("PUT", f"{upload}/content", content=UPLOADED.encode() * 3)
        ask("PUT", f"{upload}/content", content=UPLOADED.encode() * 4)
        ask("POST", f"{upload}/finish", json={"sha256": "0" * 64})
        for path in (upload, "/payloads/uploads"):
            ask("GET", path)
        assert CONTENTS.encode() in base64.b64decode(
            client.get(f"/payloads/{payload}/contents").json()["files"]["user-data"]
        )
        ask("POST", f"/vms/{vm}/sysprep", json={"answers": ANSWERS})
        stand.guests.fails = RuntimeError("a mistake of ours")  # type: ignore[assignment]  # any error will do
        ask("POST", f"/vms/{vm}/sysprep", json={"answers": ANSWERS})
        body = {"argv": [ARGV], "stdin": base64.b64encode(STDIN.encode()).decode()}
        ask("POST", f"/vms/{vm}/exec", json=body)
        ask("PUT", f"/vms/{vm}/file", params={"path": "/f"}, content=FILE.encode() * 2)
        ask("PUT", f"/vms/{vm}/clipboard", json={"text": COPIED})
        ask("GET", f"/vms/{vm}/file", params={"path": "/f"}, headers=eve)
        ask("GET", f"/vms/{vm}/clipboard", headers=eve)
        for path in ("/users", f"/users/{user['id']}", "/audit", "/events?after=", "/jobs"):
            ask("GET", path)
        assert client.get(upload).json()["missing"] == []
        stand.user("zoe", Role.VIEWER)
        stored = b"".join(one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())
    assert "a mistake of ours" in caplog.text
    for where in ("\n".join(replies), caplog.text, stored.decode("latin-1")):
        assert seen(where, secrets) == []
