"""The settings of the engine: a TOML file, with a default for everything.

A section or a setting that is not known is an error: a mistyped one that is silently off is worse.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, Final

from guestwright.base.record import record
from guestwright.engine.payloads.payloads import DEFAULTS
from guestwright.engine.process.errors import BadEngineSettings
from guestwright.host.media.contents import CONTENTS_MAX
from guestwright.media.sources.files import LIMITS as HOST_LIMITS
from guestwright.media.sources.files import Limits

DEFAULT_PATH: Final = "/etc/guestwright/engine.toml"
PORT: Final = 8420
KEYS: Final = "payload-keys"
"""Name of the file of keys in the directory."""
HOST_SETTINGS: Final = "host.toml"
"""Name of the file of settings of this machine's host service in the directory."""
_SIZE_MAX: Final = 1 << 20
_DAY: Final = 86400.0
_KIB: Final = 1 << 10


@record
class Settings:
    """All settings.

    Attributes:
        directory: of the database, keys and certificates.
        database: URL; "" for a file of SQLite in the directory.
        host: at which address to listen.
        port: of TCP; 0 for any that is free.
        tls: "auto" (unless the address is this machine's own), "on" or "off".
        names: DNS names and IP addresses for the certificate, besides this machine's own.
        places: jobs at a time.
        lease: seconds after which the jobs of an engine that fell silent are taken over.
        events: how many stay in the stream.
        history: seconds that former values of facts are kept.
        former: how many of them stay at most.
        audit: seconds that lines of the audit log are kept.
        uploads: seconds after which an upload is given up that nobody has written to.
        payload_files: how many a payload may have.
        payload_file: bytes of one of them at most.
        payload_total: bytes of all of them at most.
        log_level: "debug", "info", "warning" or "error".
        log_format: "json" or "text".
    """

    directory: str
    database: str = ""
    host: str = "127.0.0.1"
    port: int = PORT
    tls: str = "auto"
    names: tuple[str, ...] = ()
    places: int = 16
    lease: float = 15.0
    events: int = 200_000
    history: float = 30 * _DAY
    former: int = 1_000_000
    audit: float = 400 * _DAY
    uploads: float = 7 * _DAY
    payload_files: int = DEFAULTS.count
    payload_file: int = DEFAULTS.file_bytes
    payload_total: int = DEFAULTS.total_bytes
    log_level: str = "info"
    log_format: str = "json"

    @property
    def payload_limits(self) -> Limits:
        """What a payload may hold."""
        return Limits(count=self.payload_files, file_bytes=self.payload_file, total_bytes=self.payload_total)

    @property
    def url(self) -> str:
        """Of the inventory's database."""
        return self.database or f"sqlite:///{self.path('engine.db')}"

    @property
    def jobs_url(self) -> str:
        """Of the jobs' database: SQLite has one writer for each file, so they have a file of their own."""
        url = self.url
        return f"{url.removesuffix('.db')}-jobs.db" if url.startswith("sqlite") else url

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return self.tls == "on" or (self.tls == "auto" and not is_loopback(self.host))

    def path(self, name: str) -> str:
        """Of a file in the directory."""
        return os.path.join(self.directory, name)


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def default_directory() -> str:
    """Where the engine keeps its own: for root the system's place, else the user's (XDG)."""
    if os.geteuid() == 0:
        return "/var/lib/guestwright/engine"
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(data, "guestwright", "engine")


def load(path: str | None, **options: Any) -> Settings:
    """Read the settings.

    Args:
        path: of the file; None for `DEFAULT_PATH`, which need not exist.
        options: in place of what the file says, by attribute; None for what is not given. `listen` is
            "ADDRESS", "ADDRESS:PORT" or "[IPV6]:PORT".

    Raises:
        BadEngineSettings: which one is wrong, and why.
    """
    name = DEFAULT_PATH if path is None else path
    found = _read(name, needed=path is not None)
    values: dict[str, Any] = {}
    for section, table in found.items():
        if not isinstance(table, dict):
            raise BadEngineSettings(path=name, key=section, problem="it must be a table, [name]")
        for key, value in table.items():
            values |= _checked(name, f"{section}.{key}", value)
    for option, value in options.items():
        if value is not None:
            values |= _checked("options", _OPTIONS[option], value)
    return Settings(**{"directory": default_directory(), **values})


def _read(path: str, *, needed: bool) -> Mapping[str, Any]:
    try:
        with open(path, "rb") as file:
            data = file.read(_SIZE_MAX + 1)
        if len(data) > _SIZE_MAX:
            raise BadEngineSettings(path=path, key="the file", problem=f"more than {_SIZE_MAX} bytes")
        return tomllib.loads(data.decode())
    except FileNotFoundError as error:
        if needed:
            raise BadEngineSettings(path=path, key="the file", problem="it is not there") from error
        return {}
    except OSError as error:
        raise BadEngineSettings(path=path, key="the file", problem=error.strerror or str(error)) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadEngineSettings(path=path, key="the file", problem=f"it is no TOML: {error}") from error


def _checked(path: str, key: str, value: Any) -> dict[str, Any]:
    row = _TABLE.get(key)
    if row is None:
        known = ", ".join(_TABLE)
        raise BadEngineSettings(path=path, key=key, problem=f"there is no such setting; there are: {known}")
    try:
        return row(value)
    except (ValueError, TypeError) as error:
        raise BadEngineSettings(path=path, key=key, problem=str(error)) from error


def _directory(value: Any) -> dict[str, Any]:
    if not isinstance(value, str) or not os.path.isabs(value) or "\0" in value:
        raise ValueError(f"it must be an absolute path, not {value!r}")
    return {"directory": os.path.normpath(value)}


def _text(name: str) -> Callable[[Any], dict[str, Any]]:
    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, str) or not value.isprintable():
            raise TypeError("it must be a text")
        return {name: value}

    return check


def _listen(value: Any) -> dict[str, Any]:
    text = value if isinstance(value, str) else ""
    host, port = text, str(PORT)
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"it must be ADDRESS, ADDRESS:PORT or [IPV6]:PORT, not {value!r}")
    return {"host": host, "port": int(port)}


def _one_of(name: str, *known: str) -> Callable[[Any], dict[str, Any]]:
    def check(value: Any) -> dict[str, Any]:
        if value not in known:
            raise ValueError(f"it must be one of {', '.join(known)}, not {value!r}")
        return {name: value}

    return check


def _count(name: str, least: int, most: int, unit: float = 1) -> Callable[[Any], dict[str, Any]]:
    def check(value: Any) -> dict[str, Any]:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"it must be a whole number from {least} to {most}, not {value!r}")
        return {name: value * unit}

    return check


def _names(value: Any) -> dict[str, Any]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError("it must be a list of DNS names and IP addresses")
    return {"names": tuple(value)}


_TABLE: Final[Mapping[str, Callable[[Any], dict[str, Any]]]] = {
    "engine.directory": _directory,
    "engine.database": _text("database"),
    "api.listen": _listen,
    "api.tls": _one_of("tls", "auto", "on", "off"),
    "api.names": _names,
    "jobs.places": _count("places", 1, 256),
    "jobs.lease": _count("lease", 2, 3600, 1.0),
    "keep.events": _count("events", 1000, 10_000_000),
    "keep.history_days": _count("history", 1, 3650, _DAY),
    "keep.former_values": _count("former", 1000, 100_000_000),
    "keep.audit_days": _count("audit", 1, 36500, _DAY),
    "keep.uploads_days": _count("uploads", 1, 3650, _DAY),
    "payloads.files": _count("payload_files", 1, HOST_LIMITS.count),
    "payloads.file_kib": _count("payload_file", 1, HOST_LIMITS.file_bytes // _KIB, _KIB),
    "payloads.total_kib": _count("payload_total", 1, CONTENTS_MAX // _KIB, _KIB),
    "log.level": _one_of("log_level", "debug", "info", "warning", "error"),
    "log.format": _one_of("log_format", "json", "text"),
}
_OPTIONS: Final = {
    "directory": "engine.directory",
    "database": "engine.database",
    "listen": "api.listen",
    "tls": "api.tls",
    "log_level": "log.level",
    "log_format": "log.format",
}
