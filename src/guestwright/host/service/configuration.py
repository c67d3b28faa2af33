"""The settings of the service: a TOML file, with a default for everything.

Theory of operation: one table says of each setting what it may be; a file is read against it, and whatever
the table does not know is an error with the name of the nearest setting, because a mistyped switch that is
silently off is worse than a service that does not start. Sections of other parts of the service (`SECTIONS`)
are checked by these parts.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from guestwright.base.record import field, record
from guestwright.host.capabilities import GUARDED, Operation
from guestwright.host.facts.attention import Pace
from guestwright.host.facts.state import Ages
from guestwright.host.service.errors import BadConfiguration

DEFAULT_PATH: Final = "/etc/guestwright/host.toml"
SIZE_MAX: Final = 1 << 20  # bytes
SECTIONS: Final = frozenset(("api", "enrol", "jobs", "volumes", "media", "balloon", "acting"))
# Bytes of directories: the path of a socket has at most 107 (unix(7)), and ports are named by uuid.
_PATH_MAX: Final = 80
_PORTS_MAX: Final = 64
_FILES_MAX: Final = 16


@record
class Configuration:
    """All settings.

    Attributes:
        uri: of the hypervisor, see `open_hypervisor`.
        emulate: define machines without KVM, also where there is one.
        store: "auto" (ours, unless the hypervisor is Xen), "own" or "xenstored".
        xenstored: socket of Xen's; "" for the usual places.
        state: directory for what outlives a restart of the host.
        runtime: directory for sockets and for what must not outlive the host; in memory, such as below /run.
        plug_channels: give running domains that lack it the agent's port, without being asked for each.
        channel_directory: for sockets of ports that we plug; the hypervisor's user must be able to use it.
        granted: operations of `capabilities.GUARDED` that this host allows.
        blocked: operations that nobody may ask for, with the reason.
        pace: how soon and how often a guest is looked at.
        ages: when an agent counts as what.
        catalogue: JSON file of released tools; "" for none.
        leases: files of a DHCP server: dnsmasq's, or libvirt's `.status`.
        witnesses: seconds between two questions to qemu-ga, libvirt and the bridges about a domain; 0 for
            never.
        duplicates: whether identities claimed twice raise events.
        log_level: "debug", "info", "warning" or "error".
        log_format: "json" or "text".
        sections: of other parts, as they were read.
    """

    uri: str = "qemu:///system"
    emulate: bool = False
    store: str = "auto"
    xenstored: str = ""
    state: str = "/var/lib/guestwright"
    runtime: str = "/run/guestwright"
    plug_channels: bool = False
    channel_directory: str = "/var/lib/libvirt/qemu/guestwright"
    granted: frozenset[Operation] = frozenset()
    blocked: Mapping[Operation, str] = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)
    ages: Ages = field(default_factory=Ages)
    catalogue: str = ""
    leases: tuple[str, ...] = ()
    witnesses: float = 30.0
    duplicates: bool = True
    log_level: str = "info"
    log_format: str = "json"
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def section(self, name: str) -> Mapping[str, Any]:
        """The settings of another part; empty without any."""
        return self.sections.get(name, {})


def load(path: str | None) -> Configuration:
    """Read a file.

    Args:
        path: None for `DEFAULT_PATH`, which need not exist.

    Raises:
        BadConfiguration: which setting is wrong, and why.
    """
    name = DEFAULT_PATH if path is None else path
    try:
        with open(name, "rb") as stream:
            data = stream.read(SIZE_MAX + 1)
    except FileNotFoundError as error:
        if path is None:
            return Configuration()
        raise BadConfiguration(path=name, key="the file", problem="it is not there") from error
    except OSError as error:
        raise BadConfiguration(path=name, key="the file", problem=error.strerror or str(error)) from error
    return parse(data, name)


def parse(data: bytes, path: str = "the configuration") -> Configuration:
    """Read the contents of a file.

    Args:
        data: TOML.
        path: name of the file, for errors.

    Raises:
        BadConfiguration: see `load`.
    """
    if len(data) > SIZE_MAX:
        raise BadConfiguration(path=path, key="the file", problem=f"it is larger than {SIZE_MAX} bytes")
    try:
        found = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadConfiguration(path=path, key="the file", problem=f"it is no TOML: {error}") from error
    sections = {name: found.pop(name) for name in SECTIONS & found.keys()}
    for name, section in sections.items():
        if not isinstance(section, dict):
            raise BadConfiguration(path=path, key=name, problem="it must be a table, [name]")
    return Configuration(**_values(found, path), sections=sections)


def _values(found: Mapping[str, Any], path: str) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    pace: dict[str, float] = {}
    ages: dict[str, float] = {}
    for section, table in found.items():
        known = [key.partition(".")[2] for key in _TABLE if key.startswith(section + ".")]
        if not known:
            names = {key.partition(".")[0] for key in _TABLE} | SECTIONS
            raise BadConfiguration(path=path, key=section, problem=_unknown("section", section, names))
        if not isinstance(table, dict):
            raise BadConfiguration(path=path, key=section, problem="it must be a table, [name]")
        for key, value in table.items():
            name = f"{section}.{key}"
            if name not in _TABLE:
                raise BadConfiguration(path=path, key=name, problem=_unknown("setting", key, set(known)))
            attribute, check = _TABLE[name]
            try:
                checked = check(value)
            except ValueError as error:
                raise BadConfiguration(path=path, key=name, problem=str(error)) from error
            kind, dot, part = attribute.partition(".")
            {"pace": pace, "ages": ages}.get(kind, plain)[part if dot else attribute] = checked
    if ages.get("stale", Ages().stale) >= ages.get("lost", Ages().lost):
        raise BadConfiguration(path=path, key="agent.stale", problem="it must be less than agent.lost")
    return {**plain, "pace": Pace(**pace), "ages": Ages(**ages)}  # type: ignore[arg-type]  # checked by `_TABLE`


def _unknown(kind: str, name: str, known: set[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"there is no such {kind}" + (f"; is {near[0]!r} meant?" if near else "")


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError(f"it must be a text, not {value!r}")
    return value


def _directory(most: int) -> Callable[[object], str]:
    def check(value: object) -> str:
        text = _text(value)
        if not os.path.isabs(text) or len(os.fsencode(text)) > most:
            raise ValueError(f"it must be an absolute path of at most {most} bytes, not {text!r}")
        return os.path.normpath(text)

    return check


def _file(value: object) -> str:
    text = _text(value)
    if text and not os.path.isabs(text):
        raise ValueError(f"it must be an absolute path, not {text!r}")
    return text


def _files(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _FILES_MAX:
        raise ValueError(f"it must be a list of at most {_FILES_MAX} paths, not {value!r}")
    return tuple(_file(one) for one in value)


def _switch(value: object) -> bool:
    if value is not True and value is not False:
        raise ValueError(f"it must be true or false, not {value!r}")
    return value


def _one_of(*names: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if value not in names:
            raise ValueError(f"it must be one of {', '.join(names)}, not {value!r}")
        return str(value)

    return check


def _number(least: float, most: float) -> Callable[[object], float]:
    def check(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ValueError(f"it must be a number from {least:g} to {most:g}, not {value!r}")
        return float(value)

    return check


def _count(least: int, most: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"it must be a whole number from {least} to {most}, not {value!r}")
        return value

    return check


def _granted(value: object) -> frozenset[Operation]:
    names = sorted(GUARDED)
    if not isinstance(value, list) or not all(one in names for one in value):
        raise ValueError(f"it must be a list of some of {', '.join(names)}, not {value!r}")
    return frozenset(Operation(one) for one in value)


def _blocked(value: object) -> dict[Operation, str]:
    names = {str(one) for one in Operation}
    if not isinstance(value, dict) or not all(
        name in names and isinstance(reason, str) for name, reason in value.items()
    ):
        raise ValueError(f"it must be a table of operations ({', '.join(sorted(names))}) with reasons")
    return {Operation(name): reason for name, reason in value.items()}


# Setting -> attribute of `Configuration` (or of its `pace`, `ages`), and its check.
_TABLE: Final[Mapping[str, tuple[str, Callable[[object], object]]]] = {
    "hypervisor.uri": ("uri", _text),
    "hypervisor.emulate": ("emulate", _switch),
    "store.kind": ("store", _one_of("auto", "own", "xenstored")),
    "store.socket": ("xenstored", _file),
    "directories.state": ("state", _directory(_PATH_MAX)),
    "directories.runtime": ("runtime", _directory(_PATH_MAX)),
    "channels.plug": ("plug_channels", _switch),
    "channels.directory": ("channel_directory", _directory(_PORTS_MAX)),
    "allow.operations": ("granted", _granted),
    "allow.blocked": ("blocked", _blocked),
    "facts.settle": ("pace.settle", _number(0, 10)),
    "facts.burst": ("pace.burst", _count(1, 1000)),
    "facts.refill": ("pace.refill", _number(0.01, 60)),
    "facts.catalogue": ("catalogue", _file),
    "facts.leases": ("leases", _files),
    "facts.witnesses": ("witnesses", _number(0, 86400)),
    "facts.duplicates": ("duplicates", _switch),
    "agent.stale": ("ages.stale", _number(1, 86400)),
    "agent.lost": ("ages.lost", _number(1, 864000)),
    "agent.booting": ("ages.booting", _number(1, 86400)),
    "log.level": ("log_level", _one_of("debug", "info", "warning", "error")),
    "log.format": ("log_format", _one_of("json", "text")),
}
