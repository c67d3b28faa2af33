"""Addresses of engines, and what is kept of logins."""

from __future__ import annotations

import os

import pytest

from guestwright.base.secret import Secret
from guestwright.client.address import PORT, server
from guestwright.client.errors import BadServer, TokenFileBad
from guestwright.client.logins import Login, Logins


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("engine.lan", f"https://engine.lan:{PORT}"),
        ("https://engine.lan:1/", "https://engine.lan:1"),
        ("https://engine.lan/below/it/", f"https://engine.lan:{PORT}/below/it"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("HTTPS://ENGINE", f"https://engine:{PORT}"),
    ],
)
def test_addresses(url: str, shown: str) -> None:
    found = server(url)
    assert str(found) == shown
    assert found.netloc == shown.split("/")[2]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "ftp://engine",
        "https://engine:99999",
        "https://engine:x",
        "http://engine.lan",
        "https://ann:canary@engine",
        "https://engine/?token=canary",
        "https://engine/#canary",
        "https://engine/a b",
        "https://engine/../x",
        "https://eng ine",
        "https://engine\r\nHost: x",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(BadServer) as caught:
        server(url)
    assert "canary" not in caught.value.message or "@" not in url


def test_fingerprints_come_in_several_shapes() -> None:
    text = ":".join(["AB"] * 32)
    assert server("engine", fingerprint=text).fingerprint == "ab" * 32
    with pytest.raises(BadServer):
        server("engine", fingerprint="ab")


def test_logins_are_kept_for_their_owner_alone(tmp_path: os.PathLike[str]) -> None:
    where = os.path.join(tmp_path, "a", "engines")
    logins = Logins(where)
    assert logins.current() is None
    one = Login(
        server=server("https://a", fingerprint="ab" * 32), token=Secret("t1"), name="ann", expires=5.0
    )
    two = Login(server=server("https://b"), token=Secret("t2"))
    path = logins.keep(one)
    logins.keep(two, current=False)
    assert os.stat(path).st_mode & 0o7777 == 0o600
    assert os.stat(where).st_mode & 0o7777 == 0o700
    assert logins.current() == one
    assert logins.of(two.server) == two
    logins.forget(one.server)
    logins.forget(one.server)
    assert logins.of(one.server) is None
    assert logins.current() is None
    assert sorted(os.listdir(where)) == sorted(["current", f"b_{PORT}.json"])


def test_a_login_that_others_can_read_is_refused(tmp_path: os.PathLike[str]) -> None:
    logins = Logins(str(tmp_path))
    path = logins.keep(Login(server=server("a"), token=Secret("canary")))
    os.chmod(path, 0o640)
    with pytest.raises(TokenFileBad) as caught:
        logins.current()
    assert "0640" in caught.value.message


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"url": "ftp://x", "token": "canary"}', "[" * 60_000])
def test_files_that_are_no_login(tmp_path: os.PathLike[str], text: str) -> None:
    logins = Logins(str(tmp_path))
    path = logins.keep(Login(server=server("a"), token=Secret("t")))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    with pytest.raises(TokenFileBad) as caught:
        logins.current()
    assert "canary" not in caught.value.message


def test_a_link_is_no_login(tmp_path: os.PathLike[str]) -> None:
    logins = Logins(str(tmp_path))
    path = logins.keep(Login(server=server("a"), token=Secret("t")))
    os.rename(path, f"{path}.real")
    os.symlink(f"{path}.real", path)
    with pytest.raises(TokenFileBad):
        logins.current()


def test_current_names_no_path(tmp_path: os.PathLike[str]) -> None:
    logins = Logins(str(tmp_path))
    path = logins.keep(Login(server=server("a"), token=Secret("t")))
    os.rename(path, os.path.join(tmp_path, "x"))
    current = os.path.join(tmp_path, "current")
    with open(current, "w", encoding="utf-8") as file:
        file.write("../x\n")
    assert logins.current() is None
