"""The owner's file: what it may say, and what is said about what it may not."""

from __future__ import annotations

import contextlib
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.agent.config import FEATURES, Config, ConfigError, load, parse


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("", {}),
        ("# only\n\n", {}),
        ("[features]\nexec = true\nsysprep = false # no\n", {"features": {"exec": True, "sysprep": False}}),
        ('[exec]\nuser = "a\\"b\\\\c\\n"\n', {"exec": {"user": 'a"b\\c\n'}}),
        ("[exec]\nuser = 'a\\b#c'\n", {"exec": {"user": "a\\b#c"}}),
        ("[fsfreeze]\ntimeout = 30\r\npaths = []\r\n", {"fsfreeze": {"timeout": 30, "paths": []}}),
        ('[exec]\ncommands = [ "/a", # first\n  "/b c",\n]\n', {"exec": {"commands": ["/a", "/b c"]}}),
        (
            '[services.a-b]\ncommand = ["/x"]\narguments = true\n',
            {"services.a-b": {"command": ["/x"], "arguments": True}},
        ),
    ],
)
def test_good_files(text: str, tables: dict[str, dict[str, object]]) -> None:
    assert parse(text) == tables
    nested: dict[str, object] = {}
    for name, values in tables.items():
        if name.startswith("services."):
            nested["services"] = {name[9:]: values}
        else:
            nested[name] = values
    assert tomllib.loads(text) == nested


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("exec = true", "1: no option exec here"),
        ("[features]\nexce = true", "2: no option exce here; known: balloon"),
        ("[feature]", "1: there is no table feature"),
        ("[services.]\n", "1: there is no table services."),
        ("[services.x]\n", "1: the service has no command"),
        ("[features]\n[features]", "2: the table features is there twice"),
        ("[features]\nexec = true\nexec = true", "3: exec is there twice"),
        ("[features]\nexec = 1", "2: exec wants true or false"),
        ('[fsfreeze]\ntimeout = "x"', "2: timeout wants a number"),
        ('[exec]\nuser = ["x"]', "2: user wants a string"),
        ('[exec]\ncommands = "/x"', "2: commands wants an array of strings"),
        ("[exec]\ncommands = [1]", '2: expected "TEXT"'),
        ('[exec]\ncommands = ["a" "b"]', "2: expected , or ]"),
        ('[exec]\ncommands = ["a"', "2: expected , or ]"),
        ('[exec]\nuser = "x" y', "2: something follows the string"),
        ('[exec]\nuser = "x', "2: the string has no end"),
        ('[exec]\nuser = "\\q"', "2: unknown escape"),
        ("[exec]\nuser", "2: expected KEY = VALUE"),
        ("[exec]\nuser =", '2: expected "TEXT"'),
        ("[exec", "1: expected [TABLE]"),
        ("[ex ec]", "1: expected [TABLE]"),
        ("[features]\nexec = yes", '2: expected "TEXT"'),
        ("[fsfreeze]\ntimeout = 99999999999", '2: expected "TEXT"'),
    ],
)
def test_bad_files(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert str(caught.value).startswith(error)


@given(st.text(alphabet="[]=\"'\\#,.\n abtrue1_services"))
def test_any_text_is_a_file_or_an_error(text: str) -> None:
    with contextlib.suppress(ConfigError):
        parse(text)


def test_what_a_file_does_not_say_has_its_default(tmp_path: Path) -> None:
    config = load(str(tmp_path / "none"))
    assert config.features == FEATURES
    assert config.error == ""
    assert not config.allows("nonsense")
    assert config.number("fsfreeze", "timeout") == 60
    assert config.text("exec", "user") == "root"
    assert config.words("exec", "commands") == []


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"[features]\nexec = 2\n", ", line 2: exec wants"),
        (b"\xff", ": not UTF-8"),
        (b"#" * 70_000, ": longer than"),
    ],
)
def test_a_file_with_an_error_switches_everything_off(data: bytes, error: str, tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_bytes(data)
    config = load(str(path))
    assert config.error.startswith(f"{path}{error}")
    assert not any(config.features.values())


def test_a_file_that_cannot_be_read_switches_everything_off(tmp_path: Path) -> None:
    assert not any(load(str(tmp_path)).features.values())


def test_services() -> None:
    tables = parse('[services.x]\ncommand = ["/a", "b"]\nuser = "u"\n[services.y]\ncommand = ["/c"]\n')
    services = Config(tables).services
    assert [(one.command, one.user, one.arguments) for one in services.values()] == [
        (["/a", "b"], "u", False),
        (["/c"], "", False),
    ]
