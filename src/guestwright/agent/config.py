"""The owner's word on what the host may do: `/etc/guestwright/agent.toml`.

Theory of operation: a strict small part of TOML, because Python 3.8 has no reader for it and the full
language is not needed: tables, and in them strings, booleans, integers and arrays of strings. What is not
known is an error with its line number, so that a misspelt switch does not leave something allowed. When the
file has an error, the agent says so, publishes facts, and offers nothing.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    Value = bool | int | str | list[str]

PATH: Final = "/etc/guestwright/agent.toml"
_SIZE_MAX: Final = 1 << 16
_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_ESCAPES: Final = {'"': '"', "\\": "\\", "n": "\n", "t": "\t", "r": "\r"}

# The switches, and whether they are on where the file does not say. What gives the host a free hand is off.
FEATURES: Final = {
    "power": True,
    "suspend": True,
    "sysprep": True,
    "hostname": True,
    "static-ip": True,
    "time": True,
    "fsfreeze": True,
    "balloon": True,
    "exec": False,
    "file": False,
    "batcmd": False,
    "clipboard": False,
}
# What else may be said: table, key, kind of value, value where the file does not say.
_OPTIONS: Final[dict[str, dict[str, Value]]] = {
    "facts": {"period": 60},
    "exec": {"commands": [], "user": "root", "audit": ""},
    "file": {"read": [], "write": []},
    "sysprep": {"command": []},
    "static-ip": {"command": []},
    "fsfreeze": {"timeout": 60, "paths": []},
    "clipboard": {"socket": "/run/guestwright/clipboard", "user": "root"},
}
_SERVICE: Final[dict[str, Value]] = {"command": [], "user": "", "arguments": False}
_SERVICES_MAX: Final = 256


class ConfigError(ValueError):
    """The file says something that makes no sense; the text begins with the number of the line."""


class Service:
    """A command that the host may run by name.

    Attributes:
        command: program and arguments.
        user: who runs it; "" for the one of `exec.user`.
        arguments: whether the host may add arguments.
    """

    __slots__ = ("arguments", "command", "user")

    def __init__(self, command: list[str], user: str, *, arguments: bool) -> None:
        self.command = command
        self.user = user
        self.arguments = arguments


class Config:
    """What the owner of the guest allows.

    Args:
        tables: of `parse`.

    Attributes:
        features: switches by name.
        services: commands that the host may run by name.
        error: why the file could not be used; "" if it could.
    """

    def __init__(self, tables: dict[str, dict[str, Value]], error: str = "") -> None:
        self.error = error
        self.features = {
            name: not error and bool(tables.get("features", {}).get(name, default))
            for name, default in FEATURES.items()
        }
        self._options = {
            table: {key: tables.get(table, {}).get(key, default) for key, default in known.items()}
            for table, known in _OPTIONS.items()
        }
        self.services: dict[str, Service] = {}
        for table, values in tables.items():
            if table.startswith("services."):
                command, user = values.get("command"), values.get("user", "")
                assert isinstance(command, list)
                assert isinstance(user, str)
                service = Service(command, user, arguments=bool(values.get("arguments", False)))
                self.services[table[len("services.") :]] = service

    def allows(self, name: str) -> bool:
        """Whether a feature is switched on."""
        return self.features.get(name, False)

    def text(self, table: str, key: str) -> str:
        """An option that is a string."""
        value = self._options[table][key]
        assert isinstance(value, str)
        return value

    def number(self, table: str, key: str) -> int:
        """An option that is an integer."""
        value = self._options[table][key]
        assert isinstance(value, int)
        return value

    def words(self, table: str, key: str) -> list[str]:
        """An option that is an array of strings."""
        value = self._options[table][key]
        assert isinstance(value, list)
        return value


def load(path: str) -> Config:
    """Read a file; without one the defaults hold. A file with an error switches everything off."""
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))  # Windows has no such flag
    except FileNotFoundError:
        return Config({})
    except OSError as error:
        return Config({}, f"{path}: {error.strerror}")
    try:
        data = os.read(fd, _SIZE_MAX + 1)
    except OSError as error:
        return Config({}, f"{path}: {error.strerror}")
    finally:
        os.close(fd)
    if len(data) > _SIZE_MAX:
        return Config({}, f"{path}: longer than {_SIZE_MAX} bytes")
    try:
        return Config(parse(data.decode()))
    except ConfigError as error:
        return Config({}, f"{path}, line {error}")
    except UnicodeDecodeError:
        return Config({}, f"{path}: not UTF-8")


def parse(text: str) -> dict[str, dict[str, Value]]:
    """The tables of a file.

    Raises:
        ConfigError: it has an unknown table, key or kind of value, or is not in the form.
    """
    tables: dict[str, dict[str, Value]] = {}
    table: dict[str, Value] | None = None
    known: dict[str, Value] = {}
    lines = _logical(text)
    for number, line in lines:
        if line.startswith("["):
            name = _table_name(line, number)
            if name in tables:
                raise ConfigError(f"{number}: the table {name} is there twice")
            known = _known(name, number)
            table = tables[name] = {}
            if len(tables) > _SERVICES_MAX:
                raise ConfigError(f"{number}: too many tables")
            continue
        key, equals, rest = line.partition("=")
        key = key.strip()
        if not equals or not key or not _NAME.issuperset(key):
            raise ConfigError(f"{number}: expected KEY = VALUE or [TABLE]")
        if table is None or key not in known:
            raise ConfigError(f"{number}: no option {key} here; known: {', '.join(sorted(known))}")
        if key in table:
            raise ConfigError(f"{number}: {key} is there twice")
        value = _value(rest.strip(), number)
        if type(value) is not type(known[key]):
            raise ConfigError(f"{number}: {key} wants {_KINDS[type(known[key])]}")
        table[key] = value
    for name, values in tables.items():
        if name.startswith("services.") and not values.get("command"):
            raise ConfigError(f"{_line_of(lines, name)}: the service has no command")
    return tables


_KINDS: Final = {bool: "true or false", int: "a number", str: "a string", list: "an array of strings"}


def _line_of(lines: list[tuple[int, str]], name: str) -> int:
    return next(number for number, line in lines if line.startswith("[") and name in line)


def _known(name: str, number: int) -> dict[str, Value]:
    if name == "features":
        return dict(FEATURES)
    if name.startswith("services.") and name != "services.":
        return dict(_SERVICE)
    if name in _OPTIONS:
        return dict(_OPTIONS[name])
    raise ConfigError(f"{number}: there is no table {name}")


def _table_name(line: str, number: int) -> str:
    end = line.find("]")
    name = line[1:end].strip()
    if end < 0 or _bare(line[end + 1 :]) or not name or not (_NAME | {"."}).issuperset(name):
        raise ConfigError(f"{number}: expected [TABLE]")
    return name


def _logical(text: str) -> list[tuple[int, str]]:
    """Lines with their numbers, without empty ones and comments; an array may go over several."""
    found: list[tuple[int, str]] = []
    open_ = False
    for number, whole in enumerate(text.split("\n"), 1):
        line = _bare(whole.rstrip("\r"))
        if open_:
            first, before = found.pop()
            found.append((first, f"{before} {line}"))
        elif line:
            found.append((number, line))
        if found:
            last = found[-1][1]
            open_ = "=" in last and last.partition("=")[2].lstrip().startswith("[") and not last.endswith("]")
    return found


def _bare(line: str) -> str:
    """A line without comment and blanks."""
    quote = ""
    at = 0
    while at < len(line):
        char = line[at]
        if quote:
            if char == "\\" and quote == '"':
                at += 1
            elif char == quote:
                quote = ""
        elif char in "\"'":
            quote = char
        elif char == "#":
            line = line[:at]
        at += 1
    return line.strip()


def _value(text: str, number: int) -> Value:
    if text in {"true", "false"}:
        return text == "true"
    if text.lstrip("-").isdigit() and len(text) <= 10 and text.isascii():
        return int(text)
    if text[:1] == "[":
        return _array(text, number)
    value, rest = _string(text, number)
    if rest:
        raise ConfigError(f"{number}: something follows the string")
    return value


def _array(text: str, number: int) -> list[str]:
    found: list[str] = []
    rest = text[1:].lstrip()
    while rest[:1] != "]":
        value, rest = _string(rest, number)
        found.append(value)
        rest = rest.lstrip()
        if rest[:1] == ",":
            rest = rest[1:].lstrip()
        elif rest[:1] != "]":
            raise ConfigError(f"{number}: expected , or ] in an array of strings")
    if rest[1:].strip():
        raise ConfigError(f"{number}: something follows the array")
    return found


def _string(text: str, number: int) -> tuple[str, str]:
    """The string that a text begins with, and the rest."""
    quote = text[:1]
    if quote not in {'"', "'"}:
        raise ConfigError(f'{number}: expected "TEXT", true, false, a number or an array of strings')
    made: list[str] = []
    at = 1
    while at < len(text):
        char = text[at]
        if char == quote:
            return "".join(made), text[at + 1 :]
        if char == "\\" and quote == '"':
            at += 1
            if text[at : at + 1] not in _ESCAPES:
                raise ConfigError(f"{number}: unknown escape in a string")
            char = _ESCAPES[text[at]]
        made.append(char)
        at += 1
    raise ConfigError(f"{number}: the string has no end")
