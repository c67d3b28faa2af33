"""What may stand in a directive. Every directive checks itself, also one that comes out of a saved plan."""

from __future__ import annotations

import os
import re
from typing import Final

from guestwright.seal.customise.errors import BadValue

MAX_DATA: Final = 16 << 20
"""Bytes of one file that is written into the guest."""

MAX_PATH: Final = 4095
MAX_NAME: Final = 255
MAX_ID: Final = (1 << 32) - 2
MAX_DAY: Final = 1 << 20

_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_USER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?")
_ZONE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]*(?:/[A-Za-z0-9][A-Za-z0-9_+-]*){0,2}")
_SCRIPT: Final = re.compile(r"[A-Za-z0-9_-]{1,60}")
FIELD: Final = re.compile(r"!?(?:\*|\$[0-9a-z]{1,3}\$[./0-9A-Za-z$=,]{20,380})|!")
"""A password field that a directive may set: locked, disabled, or crypt(5) text."""

MAX_HOSTNAME: Final = 253
MAX_LINUX_HOSTNAME: Final = 64  # HOST_NAME_MAX, sethostname(2)


def check_path(path: str, what: str = "path") -> None:
    """An absolute path in the guest without "." and ".." (a symlink in it may still lead anywhere inside)."""
    expected = "an absolute path in the guest, such as /etc/motd, without . and .. in it"
    raw = os.fsencode(path)
    names = raw.split(b"/")
    if not path.startswith("/") or path.strip("/") == "":
        raise BadValue(what=what, problem=f"{path!r} is not a path below /", expected=f"expected {expected}")
    if b"\0" in raw or b".." in names or b"." in names:
        raise BadValue(what=what, problem=f"{path!r} is not usable", expected=f"expected {expected}")
    if len(raw) > MAX_PATH or max(map(len, names)) > MAX_NAME:
        problem = "it is too long"
        limits = f"at most {MAX_PATH} bytes, {MAX_NAME} in one name"
        raise BadValue(what=what, problem=problem, expected=f"expected {limits}")


def check_hostname(name: str) -> None:
    """RFC 1123 section 2.1, total length as in RFC 1035; the kernel takes 64 characters."""
    limit = min(MAX_HOSTNAME, MAX_LINUX_HOSTNAME)
    if len(name) > limit or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise BadValue(
            what="host name",
            problem=f"{name!r} is not a host name",
            expected="expected letters, digits and hyphens in parts of at most 63 characters, joined by "
            f"dots, {limit} characters in all, such as web1.example.com",
        )


def check_timezone(name: str) -> None:
    """A name below /usr/share/zoneinfo; whether the guest has it is seen later."""
    if len(name) > 64 or not _ZONE.fullmatch(name):
        raise BadValue(
            what="time zone",
            problem=f"{name!r} is not the name of a time zone",
            expected="expected a name such as Europe/Berlin or UTC",
        )


def check_user(name: str) -> None:
    """An account name as useradd(8) takes it, capitals and dots allowed."""
    if not _USER.fullmatch(name):
        raise BadValue(
            what="user",
            problem=f"{name!r} is not an account name",
            expected="expected at most 32 letters, digits, dots, hyphens and underscores, no digit first",
        )


def check_script_name(name: str) -> None:
    """Part of a file name of a first-boot script."""
    if not _SCRIPT.fullmatch(name):
        raise BadValue(
            what="script name",
            problem=f"{name!r} is not usable",
            expected="expected 1 to 60 letters, digits, hyphens and underscores",
        )


def check_data(data: bytes, what: str = "content") -> None:
    """Bounded content."""
    if len(data) > MAX_DATA:
        raise BadValue(
            what=what, problem=f"{len(data)} bytes are too many", expected=f"expected at most {MAX_DATA}"
        )


def check_mode(mode: int) -> None:
    """Permission bits."""
    if not 0 <= mode <= 0o7777:
        raise BadValue(what="mode", problem=f"{mode:o} is too large", expected="expected octal 0 to 7777")


def check_owner(uid: int, gid: int) -> None:
    """Numeric owner; the largest number means "unchanged" to chown(2) and is refused."""
    if not (0 <= uid <= MAX_ID and 0 <= gid <= MAX_ID):
        raise BadValue(
            what="owner", problem=f"{uid}:{gid} is out of range", expected=f"expected numbers up to {MAX_ID}"
        )


def check_line(text: str, what: str = "line") -> None:
    """One line of text."""
    if any(char in text for char in "\n\r\0") or len(text) > 65536:
        raise BadValue(
            what=what, problem="it is not a single line", expected="expected text without line breaks and NUL"
        )


def check_day(day: int) -> None:
    """Days since 1970-01-01."""
    if not 0 <= day <= MAX_DAY:
        raise BadValue(
            what="day", problem=f"{day} is out of range", expected="expected days since 1970-01-01"
        )
