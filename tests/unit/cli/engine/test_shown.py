"""How things are shown, what an empty list says, and where passwords come from."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from guestwright.base.errors import UsageError
from guestwright.cli.engine.passwords import asked_password, read_secret
from guestwright.cli.engine.shown import of, print_items, rows_of, text
from guestwright.cli.engine.waiting import JobBar, begun


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("x", None, ""),
        ("x", True, "yes"),
        ("x", 3, "3"),
        ("x", 0.5, "0.5"),
        ("memory", 2 << 30, "2.0 GiB"),
        ("created", 0.0, ""),
        ("x", ["a", "b"], "a b"),
        ("x", {"a": [1]}, '{"a": [1]}'),
        ("x", "y" * 9000, "y" * 2000),
    ],
)
def test_values(name: str, value: Any, shown: str) -> None:
    assert text(name, value) == shown


def test_paths_into_things() -> None:
    assert of("guest.agent")({"guest": {"agent": "live"}}) == "live"
    assert of("guest.agent")({"guest": None}) == ""
    assert rows_of({"a_b": 1, "guest": {"os": "x"}}) == [("a b", "1"), ("guest os", "x")]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_an_empty_list(monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO]) -> None:
    out = stream()
    monkeypatch.setattr(sys, "stdout", out)
    print_items({"as_json": False}, "vms", [], (("NAME", of("name")),))
    assert ("guestwright vm create" in out.getvalue()) == (stream is Terminal)


def test_a_guests_words_do_not_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_items({"as_json": False}, "vms", [{"name": "\x1b[2Jweb\nx"}], (("NAME", of("name")),))
    assert "\x1b[2J" not in capsys.readouterr().out


def options(**more: Any) -> dict[str, Any]:
    return {"password_file": None, "password_fd": None, **more}


def test_passwords_from_files_and_descriptors(tmp_path: Path) -> None:
    path = tmp_path / "pw"
    path.write_bytes(b"a b\r\nsecond line\n")
    assert asked_password(options(password_file=str(path)), "x").reveal() == "a b"
    reading, writing = os.pipe()
    with open(writing, "wb") as file:
        file.write(b"from a pipe\n")
    try:
        assert asked_password(options(password_fd=reading), "x").reveal() == "from a pipe"
    finally:
        os.close(reading)


@pytest.mark.parametrize("data", [b"", b"\n", b"\xff\n"])
def test_secrets_that_are_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "pw"
    path.write_bytes(data)
    with pytest.raises(UsageError):
        read_secret(str(path))


def test_passwords_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("never"))
    for given in (options(), options(password_file="a", password_fd=1), options(password_file="/nowhere/x")):
        with pytest.raises(UsageError):
            asked_password(given, "x")


def test_a_bar_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stderr", stream)
        bar = JobBar()
        for job in (
            {"kind": "vm.create", "done": 1, "total": 2, "note": "\x1b[2J"},
            {"done": "x", "total": None},
        ):
            bar(job)
        bar.close()
        assert ("█" * 14 in stream.getvalue()) == isinstance(stream, Terminal)
        assert "\x1b[2J" not in stream.getvalue()


class Interrupted:
    def wait(self, *_: Any) -> Any:
        raise KeyboardInterrupt


def test_who_stops_waiting_is_told_that_the_job_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    params = {"wait": True, "timeout": None, "as_json": False}
    client: Any = Interrupted()
    assert begun(params, client, {"id": "j1"}) == 130
    assert "guestwright job wait j1" in capsys.readouterr().err


def test_what_was_not_made_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    job = {
        "id": "j",
        "status": "done",
        "result": {"made": {"web-1": "v"}, "failed": {"web-2": "volume-full"}},
    }
    client: Any = None
    assert begun({"wait": False, "as_json": False}, client, job) == 1
    told = capsys.readouterr()
    assert "web-1" in told.out
    assert "web-2 was not made: volume-full" in told.err
    begun({"wait": False, "as_json": True}, client, job)
    assert json.loads(capsys.readouterr().out)["job"] == job
