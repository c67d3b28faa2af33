"""The host name: emptied on request, with the entries that it has in /etc/hosts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guestwright.guestfs.errors import NotFound
from guestwright.guestfs.port import FileKind
from guestwright.seal import conditions
from guestwright.seal.changes import Change, Options, Severity, Truncate, Write
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation
from guestwright.seal.textfile import encode, read_text

_HOSTNAME: Final = "/etc/hostname"
_HOSTS: Final = "/etc/hosts"
_LOOPBACK: Final = frozenset({"127.0.0.1", "127.0.1.1", "::1"})
_REASON: Final = "the old machine's name"
_KEPT: Final = frozenset({"", "localhost", "localhost.localdomain"})


def plan(guest: Guest, options: Options) -> Iterator[Change]:
    """Empty /etc/hostname and take its name off the loopback lines of /etc/hosts."""
    del options
    text = read_text(guest.fs, _HOSTNAME) or ""
    name = first_name(text)
    if name in _KEPT:
        return
    hosts = read_text(guest.fs, _HOSTS)
    left = None if hosts is None else without_name(hosts, name)
    if left is not None:
        yield Write(path=_HOSTS, data=encode(left), reason=_REASON)
    if _is_file(guest, _HOSTNAME):
        yield Truncate(path=_HOSTNAME, reason=_REASON)


def first_name(text: str) -> str:
    """The name in a hostname(5) file: its first line that is neither empty nor a comment."""
    lines = (line.strip() for line in text.split("\n"))
    return next((line for line in lines if line and not line.startswith("#")), "")


def without_name(hosts: str, name: str) -> str | None:
    """Drop a name, short and full, from the loopback lines of a hosts(5) file.

    Args:
        hosts: the file.
        name: host name, perhaps with a domain.

    Returns:
        The new text, None when nothing changes. A line that has no name left goes; others keep their layout
        only as far as names are separated by blanks.
    """
    short = name.split(".", 1)[0]
    lines = []
    for line in hosts.split("\n"):
        body, mark, comment = line.partition("#")
        fields = body.split()
        if fields[:1] and fields[0] in _LOOPBACK:
            names = [
                one for one in fields[1:] if one not in {name, short} and not one.startswith(f"{short}.")
            ]
            if len(names) != len(fields) - 1:
                if names:
                    lines.append(
                        "\t".join([fields[0], " ".join(names)]) + (f" {mark}{comment}" if mark else "")
                    )
                continue
        lines.append(line)
    left = "\n".join(lines)
    return None if left == hosts else left


def _is_file(guest: Guest, path: str) -> bool:
    try:
        return guest.fs.lstat(path).kind is FileKind.FILE
    except NotFound:
        return False


OPERATION: Final = Operation(
    name="hostname",
    summary="Empty the host name and remove it from the loopback lines of /etc/hosts",
    severity=Severity.WARNING,
    default=False,
    applies=conditions.linux,
    plan=plan,
    source="hostname(5); hosts(5); libguestfs#44; systemd docs/BUILDING_IMAGES.md",
)
