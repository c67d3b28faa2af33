"""The settings of the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestwright.engine.payloads.payloads import DEFAULTS
from guestwright.engine.process.certificate import names_of
from guestwright.engine.process.errors import BadEngineSettings
from guestwright.engine.process.settings import PORT, Settings, load
from guestwright.media.sources.files import Limits


def test_without_a_file_all_has_a_default() -> None:
    found = load(None, directory="/srv/gw")
    assert (found.host, found.port, found.encrypted) == ("127.0.0.1", PORT, False)
    assert found.url == "sqlite:////srv/gw/engine.db"
    assert found.jobs_url == "sqlite:////srv/gw/engine-jobs.db"


def test_a_file_and_options_over_it(tmp_path: Path) -> None:
    file = tmp_path / "engine.toml"
    file.write_text(
        '[engine]\ndirectory = "/srv/gw"\ndatabase = "postgresql+psycopg://gw@db/gw"\n'
        '[api]\nlisten = "[::]:99"\nnames = ["gw.lan"]\n[keep]\nhistory_days = 2\nuploads_days = 3\n'
        "[payloads]\nfiles = 9\nfile_kib = 64\ntotal_kib = 512\n"
    )
    found = load(str(file))
    assert (found.host, found.port, found.encrypted) == ("::", 99, True)
    assert found.url == found.jobs_url == "postgresql+psycopg://gw@db/gw"
    assert (found.history, found.uploads) == (2 * 86400, 3 * 86400)
    assert found.payload_limits == Limits(count=9, file_bytes=64 << 10, total_bytes=512 << 10)
    assert load(None, directory="/srv/gw").payload_limits == DEFAULTS
    assert load(str(file), listen="127.0.0.1", tls=None).port == PORT


@pytest.mark.parametrize(
    ("text", "key"),
    [
        pytest.param("[engin]\nx = 1", "engin.x", id="section"),
        pytest.param('[api]\nlisten = ":80"', "api.listen", id="no address"),
        pytest.param('[api]\nlisten = "a:b"', "api.listen", id="no port"),
        pytest.param('[api]\ntls = "maybe"', "api.tls", id="choice"),
        pytest.param('[engine]\ndirectory = "here"', "engine.directory", id="relative"),
        pytest.param("[jobs]\nplaces = true", "jobs.places", id="no number"),
        pytest.param("[keep]\nevents = 1", "keep.events", id="too few"),
        pytest.param("[payloads]\nfile_kib = 16385", "payloads.file_kib", id="more than hosts take"),
        pytest.param("[payloads]\nfiles = 0", "payloads.files", id="none"),
        pytest.param("api = 1", "api", id="no table"),
        pytest.param("[[[", "the file", id="no TOML"),
    ],
)
def test_what_is_wrong_is_named(text: str, key: str, tmp_path: Path) -> None:
    file = tmp_path / "engine.toml"
    file.write_text(text)
    with pytest.raises(BadEngineSettings) as caught:
        load(str(file))
    assert caught.value.params["key"] == key


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadEngineSettings, match="not there"):
        load(str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    ("host", "tls", "encrypted"),
    [
        ("127.0.0.1", "auto", False),
        ("::1", "auto", False),
        ("localhost", "auto", False),
        ("0.0.0.0", "auto", True),
        ("gw.lan", "auto", True),
        ("127.0.0.1", "on", True),
        ("gw.lan", "off", False),
    ],
)
def test_tls_is_on_off_loopback(host: str, tls: str, encrypted: bool) -> None:
    assert Settings(directory="/x", host=host, tls=tls).encrypted is encrypted


def test_a_certificate_names_what_people_ask_for() -> None:
    made = names_of(Settings(directory="/x", host="192.0.2.7", names=("gw.lan",)), "box")
    assert made == ("gw.lan", "box", "192.0.2.7", "localhost", "127.0.0.1", "::1")
    assert "::" not in names_of(Settings(directory="/x", host="::"), "bad_name")
