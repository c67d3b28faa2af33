"""Commands before servers that are no engine, or lie: an error on one line, no traceback, no token told."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestwright.base.secret import Secret
from guestwright.client.address import server
from guestwright.client.logins import Login, Logins
from tests.support.program import Done, guestwright
from tests.support.scripted_http import Reply, problem, reply, scripted

TOKEN = "gwt_canary"


def run(url: str, config: Path, *args: str) -> Done:
    Logins(str(config / "guestwright" / "engines")).keep(Login(server=server(url), token=Secret(TOKEN)))
    return guestwright(*args, env={"XDG_CONFIG_HOME": str(config), "GUESTWRIGHT_SERVER": ""})


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply(b"<html>hello</html>", Content_Type="text/html"), "remote-bad-answer"),
        (reply(b'{"items": [{"id"'), "remote-bad-answer"),
        (reply({"items": "many", "next": 7}), "remote-bad-answer"),
        (reply({"items": [1, 2, 3]}), "remote-bad-answer"),
        (reply({"items": [{}], "next": {"a": 1}}), "remote-bad-answer"),
        (reply(b"", 301, Location="http://127.0.0.1:9/"), "remote-bad-answer"),
        (Reply(b"220 mail.example ESMTP\r\n\r\n"), "remote-bad-answer"),
        (problem(403, "account-may-not", detail="\x1b[2J\x1b]0;you may not"), "account-may-not"),
    ],
    ids=["html", "half", "no list", "no things", "no cursor", "redirect", "mail", "escape sequences"],
)
def test_lists_of_liars(tmp_path: Path, answer: Reply, code: str) -> None:
    with scripted([answer]) as told:
        done = run(told.url, tmp_path, "vm", "list", "--json")
    assert done.status == 1
    assert done.json["error"]["code"] == code
    assert "Traceback" not in done.err
    assert "\x1b" not in done.out
    assert TOKEN not in done.out + done.err


def test_things_of_liars_are_shown_harmlessly(tmp_path: Path) -> None:
    vm = {"id": "\x1b[2Jx", "name": ["web"], "guest": {"agent": {"a": 1}, "addresses": 7}, "memory": "much"}
    with scripted([reply({"items": [vm, {}], "next": None})]) as told:
        done = run(told.url, tmp_path, "vm", "list")
    assert done.status == 0
    assert "\x1b[2J" not in done.out


def test_a_redirect_takes_no_token_along(tmp_path: Path) -> None:
    with (
        scripted([]) as elsewhere,
        scripted([reply({}, 307, Location=f"{elsewhere.url}/api/v1/whoami")]) as told,
    ):
        done = run(told.url, tmp_path, "whoami")
        assert elsewhere.asked == []
    assert done.status == 1
    assert "redirects are not followed" in done.err


def test_file_names_of_liars_go_nowhere(tmp_path: Path) -> None:
    payload = {"id": "p", "name": "web"}
    answers = [
        reply({"items": [payload], "next": None}),
        reply({"version": {"number": 1}, "files": {"../outside": "eA=="}}),
    ]
    with scripted(answers) as told:
        done = run(told.url, tmp_path, "payload", "contents", "web", "--output", str(tmp_path / "out"))
    assert done.status != 0
    assert "Traceback" not in done.err
    assert not (tmp_path / "outside").exists()


def test_nobody_is_logged_in(tmp_path: Path) -> None:
    done = guestwright("vm", "list", env={"XDG_CONFIG_HOME": str(tmp_path), "GUESTWRIGHT_SERVER": ""})
    assert done.status == 1
    assert "guestwright login" in done.err


def test_an_address_that_is_none(tmp_path: Path) -> None:
    done = guestwright("vm", "list", "--server", "http://far.example", env={"XDG_CONFIG_HOME": str(tmp_path)})
    assert done.status == 2
    assert "unencrypted" in done.err
