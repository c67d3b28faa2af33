"""sysprep.inf, the answer file of Windows XP and Server 2003: an INI file in ANSI or UTF-16."""

from __future__ import annotations

import re
from typing import Final

from guestwright.media.sources.errors import BadPayloadEncoding
from guestwright.media.sources.findings import Findings, refuse
from guestwright.media.sources.text import place

_SECTION: Final = re.compile(r"\[([^\[\]]{1,64})\]\s*(?:;.*)?")
_PAIR: Final = re.compile(r"([^=;\[\]]{1,128}?)\s*=(.*)")
_KNOWN: Final = frozenset(
    {
        "unattended",
        "oemrunonce",
        "guiunattended",
        "userdata",
        "display",
        "regionalsettings",
        "networking",
        "identification",
        "tapilocation",
        "sysprep",
        "guirunonce",
        "setupmgr",
        "licensefiledata",
        "branding",
        "proxy",
        "url",
        "components",
        "sysprepmassstorage",
        "sysprepcleanup",
        "oem_ads",
        "networkadapters",
    }
)
_NETWORK: Final = re.compile(r"(adapter|params\.|netadapters|netclients|netservices|netprotocols|ms_)")
_PASSWORDS: Final = frozenset({"adminpassword", "domainadminpassword"})
_KEPT: Final = frozenset({"computername", "fullname", "orgname", "timezone", "language", "joinworkgroup"})

Lines = list[tuple[str, str, str]]


def read_inf(file: str, data: bytes, findings: Findings) -> Lines:
    """Check the file.

    Returns:
        Section, key and value of each line, in order.

    Raises:
        BadPayloadEncoding: it is no text.
    """
    text = _decode(file, data)
    found: Lines = []
    section = ""
    seen: set[tuple[str, str]] = set()
    for number, raw in enumerate(text.splitlines(), start=1):
        line, at = raw.strip(), (number, len(raw) - len(raw.lstrip()) + 1)
        if not line or line.startswith(";"):
            continue
        if (head := _SECTION.fullmatch(line)) is not None:
            section = head[1].strip()
            if section.lower() not in _KNOWN and _NETWORK.match(section.lower()) is None:
                findings.warn(at, f"unknown section '{section}'")
            continue
        pair = _PAIR.fullmatch(line)
        if pair is None or not section:
            findings.problem(at, "expected [section], key=value or ; comment")
            continue
        key = (section.lower(), pair[1].lower())
        if key in seen:
            findings.problem(at, f"the key '{pair[1]}' is there twice in its section")
        seen.add(key)
        found.append((section, pair[1], pair[2].strip()))
        _value(pair[1].lower(), pair[2].strip().strip('"'), at, findings)
    if not found:
        findings.problem((1, 1), "there are no settings")
    return found


def scrubbed(lines: Lines) -> bytes:
    """The settings that are known to be no secrets."""
    made, section = [], ""
    for where, key, value in lines:
        if key.lower() not in _KEPT:
            continue
        if where != section:
            made.append(f"[{where}]")
            section = where
        made.append(f"{key}={value}")
    return "".join(line + "\r\n" for line in made).encode("utf-8")


def _value(key: str, value: str, at: tuple[int, int], findings: Findings) -> None:
    if key in _PASSWORDS and value not in {"", "*"}:
        findings.warn(at, f"{key}: a password in plain text")
    if key == "computername" and len(value) > 15:
        findings.problem(at, "ComputerName: at most 15 characters")


def _decode(file: str, data: bytes) -> str:
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        if encoding == "utf-16":
            raise refuse(file, "not whole UTF-16", kind=BadPayloadEncoding) from None
        text = data.decode("latin-1")  # ANSI of some code page; the keys are ASCII in all of them
    if (bad := re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text)) is not None:
        raise refuse(file, "a control character in text", place(text, bad.start()), BadPayloadEncoding)
    return text
