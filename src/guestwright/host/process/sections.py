"""Settings of the parts besides the service proper: sections of the same file, checked here."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from guestwright.base.record import field, record
from guestwright.host.api.listening import Address
from guestwright.host.service.configuration import Configuration
from guestwright.host.service.errors import BadConfiguration
from guestwright.hypervisor.errors import BadDomainSpec
from guestwright.hypervisor.spec import check_uuid

T = TypeVar("T")
TLS_PORT: Final = 8443
_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_THREADS_MAX: Final = 64


@record
class Sections:
    """All of them.

    Attributes:
        socket: of the API.
        group: number of the group that may use it besides root; None for nobody.
        tls: where TLS is spoken; None for nowhere.
        authority: directory of the certificates.
        storage: names of storage domains to their directories.
        threads: jobs that run at a time.
        owner: user and group of the hypervisor's processes, who read media; None for the service's own.
        balloon: whether memory moves between guests.
        balloon_ranges: uuids of domains to the least and the most that they may have, MiB.
    """

    socket: str
    group: int | None = None
    tls: Address | None = None
    authority: str = ""
    storage: Mapping[str, str] = field(default_factory=dict)
    threads: int = 4
    owner: tuple[int, int] | None = None
    balloon: bool = False
    balloon_ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def read_sections(configuration: Configuration) -> Sections:
    """Check the sections.

    Raises:
        BadConfiguration: which setting is wrong, and why.
    """
    api = _Section(configuration, "api", {"socket", "group", "tls"})
    enrol = _Section(configuration, "enrol", {"directory"})
    jobs = _Section(configuration, "jobs", {"threads"})
    media = _Section(configuration, "media", {"owner"})
    volumes = _Section(configuration, "volumes", None)
    memory = _Section(configuration, "balloon", {"enabled", "ranges"})
    _Section(configuration, "acting", set())
    return Sections(
        socket=api.get("socket", _path, os.path.join(configuration.runtime, "api.sock")),
        group=api.get("group", _group, None),
        tls=api.get("tls", _address, None),
        authority=enrol.get("directory", _path, os.path.join(configuration.state, "pki")),
        storage={name: volumes.get(name, _path, "") for name in volumes.names(_storage_name)},
        threads=jobs.get("threads", _threads, 4),
        owner=media.get("owner", _owner, None),
        balloon=memory.get("enabled", _switch, False),
        balloon_ranges=memory.get("ranges", _ranges, {}),
    )


class _Section:
    """One table of the file."""

    def __init__(self, configuration: Configuration, name: str, known: set[str] | None) -> None:
        self._name = name
        self._values: Mapping[str, Any] = configuration.section(name)
        for key in self._values:
            if known is not None and key not in known:
                there = ", ".join(sorted(known)) or "none yet"
                raise self._bad(key, f"there is no such setting; there are: {there}")

    def names(self, check: Callable[[str], bool]) -> list[str]:
        """Of its keys."""
        for key in self._values:
            if not check(key):
                raise self._bad(key, "a name has small letters, digits and -")
        return list(self._values)

    def get(self, key: str, read: Callable[[Any], T], default: T) -> T:
        """A setting; the default without it."""
        if key not in self._values:
            return default
        try:
            return read(self._values[key])
        except (ValueError, TypeError) as error:
            raise self._bad(key, str(error)) from error

    def _bad(self, key: str, problem: str) -> BadConfiguration:
        return BadConfiguration(path="the configuration", key=f"{self._name}.{key}", problem=problem)


def _path(value: Any) -> str:
    if not isinstance(value, str) or not os.path.isabs(value):
        raise ValueError(f"it must be an absolute path, not {value!r}")
    return os.path.normpath(value)


def _storage_name(name: str) -> bool:
    return bool(name) and _NAME.issuperset(name)


def _threads(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _THREADS_MAX:
        raise ValueError(f"it must be a whole number from 1 to {_THREADS_MAX}, not {value!r}")
    return value


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"it must be true or false, not {value!r}")
    return value


def _ranges(value: Any) -> dict[str, tuple[int, int]]:
    if not isinstance(value, dict):
        raise TypeError(f"it must be a table of uuids, not {value!r}")
    found = {}
    for uuid, amounts in value.items():
        plain = isinstance(amounts, list) and len(amounts) == 2 and all(type(one) is int for one in amounts)
        if not plain or not 0 < amounts[0] <= amounts[1]:
            raise ValueError(f"{uuid} must have the least and the most in MiB, such as [512, 4096]")
        try:
            found[str(check_uuid(uuid))] = (amounts[0], amounts[1])
        except BadDomainSpec as error:
            raise ValueError(error.message) from error
    return found


def _group(value: Any) -> int:
    try:
        return grp.getgrnam(value).gr_gid
    except KeyError as error:
        raise ValueError(f"there is no group {value!r} on this host") from error


def _owner(value: Any) -> tuple[int, int]:
    user, _, group = str(value).partition(":")
    try:
        return pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise ValueError(f"it must be USER:GROUP of this host, not {value!r}") from error


def _address(value: Any) -> Address:
    if not isinstance(value, str):
        raise TypeError(f"it must be HOST:PORT, not {value!r}")
    host, colon, port = value.rpartition(":")
    if not colon or "]" in port:
        host, port = value, str(TLS_PORT)
    if not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"it must be HOST:PORT, not {value!r}")
    return Address(host=host.strip("[]"), port=int(port))
