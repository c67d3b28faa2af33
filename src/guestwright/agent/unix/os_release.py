"""Which operating system this is: os-release, and the files that older systems have instead.

Sources: os-release(5); the names that XAPI's tools know are those of xe-guest-utilities' script.
"""

from __future__ import annotations

import os

from guestwright.agent.core.facts import System

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from guestwright.agent.unix.files import Files

_RELEASES = ("/etc/os-release", "/usr/lib/os-release")
_DISTROS = {"ol": "oracle", "redhat": "rhel", "sles_sap": "sles", "archarm": "arch"}
# File, the words that its line may begin with, and the distribution.
_RELATIVES = (
    ("/etc/oracle-release", "Oracle", "oracle"),
    ("/etc/enterprise-release", "Enterprise", "oracle"),
    ("/etc/rocky-release", "Rocky", "rocky"),
    ("/etc/almalinux-release", "AlmaLinux", "almalinux"),
    ("/etc/fedora-release", "Fedora", "fedora"),
    ("/etc/redhat-release", "Red Hat", "rhel"),
    ("/etc/redhat-release", "CentOS", "centos"),
    ("/etc/redhat-release", "Scientific", "scientific"),
    ("/etc/SuSE-release", "SUSE Linux Enterprise", "sles"),
    ("/etc/SuSE-release", "openSUSE", "opensuse"),
    ("/etc/alpine-release", "", "alpine"),
    ("/etc/debian_version", "", "debian"),
)


def system(files: Files, family: str) -> System:
    """What the system says about itself; the kernel is asked for its release.

    Args:
        files: the guest's.
        family: "linux" or "freebsd".
    """
    kernel = os.uname()
    name, distro, version = _found(files)
    major, _, rest = version.partition(".")
    return System(
        name=name,
        distro=distro,
        major=_digits(major),
        minor=_digits(rest),
        uname=kernel.release,
        family=family,
        architecture=kernel.machine,
    )


def fields(text: str) -> dict[str, str]:
    """The assignments of an os-release or lsb-release file, without quotes and escapes."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and key.replace("_", "a").isalnum():
            found[key] = _unquoted(value.strip())
    return found


def _found(files: Files) -> tuple[str, str, str]:
    """Name, distribution and version."""
    for path in _RELEASES:
        found = fields(files.text(path))
        distro = found.get("ID", "").lower()
        if distro:
            version = found.get("VERSION_ID", "")
            # Debian's os-release has no minor version; its other file has.
            more = files.text("/etc/debian_version", 64) if distro == "debian" else ""
            version = more if more.partition(".")[0] == version else version
            name = found.get("PRETTY_NAME") or f"{found.get('NAME', distro)} {version}".strip()
            return name, _DISTROS.get(distro, distro), version
    for path, words, distro in _RELATIVES:
        line = files.text(path, 256).partition("\n")[0]
        if line and line.startswith(words):
            name = line if words else f"{distro.capitalize()} {line}"
            return name, distro, _version(line)
    found = fields(files.text("/etc/lsb-release"))
    distro = found.get("DISTRIB_ID", "").lower()
    version = found.get("DISTRIB_RELEASE", "")
    return found.get("DISTRIB_DESCRIPTION") or f"{distro} {version}".strip(), distro, version


def _version(line: str) -> str:
    """The first word that begins with a digit."""
    return next((word for word in line.split() if word[0].isdigit()), "")


def _digits(text: str) -> str:
    """The digits that it begins with."""
    size = 0
    while size < min(len(text), 9) and text[size] in "0123456789":
        size += 1
    return text[:size]


def _unquoted(value: str) -> str:
    quote = value[:1]
    if quote not in ("'", '"'):
        return value
    parts = []
    rest = iter(value[1:])
    for one in rest:
        if one == quote:
            break
        parts.append(next(rest, "") if one == "\\" and quote == '"' else one)
    return "".join(parts)
