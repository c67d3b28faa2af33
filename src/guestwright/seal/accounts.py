"""The guest's account files: parsed tolerantly, edited by whole lines, bounded."""

from __future__ import annotations

from typing import Final

from guestwright.base.record import record
from guestwright.seal.guest import Guest
from guestwright.seal.textfile import read_text

MAX_HOMES: Final = 512
_NOT_HOMES: Final = ("/bin", "/dev", "/nonexistent", "/proc", "/run", "/sbin", "/sys", "/usr", "/var/run")
"""Home fields of system accounts that are no homes; searching them for histories is wasted time."""


@record
class Account:
    """One line of /etc/passwd (passwd(5))."""

    name: str
    uid: int
    gid: int
    home: str


def parse_passwd(text: str) -> list[Account]:
    """Accounts in the order of the file; lines that are not seven fields with numeric ids are skipped."""
    accounts = []
    for line in text.split("\n"):
        fields = line.split(":")
        if len(fields) != 7 or not fields[0]:
            continue
        uid, gid = _number(fields[2]), _number(fields[3])
        if uid is not None and gid is not None:
            accounts.append(Account(name=fields[0], uid=uid, gid=gid, home=fields[5]))
    return accounts


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def normal_path(path: str) -> str:
    """`path` without doubled and trailing slashes; "" unless it is absolute and free of "." and ".."."""
    if not path.startswith("/") or "\0" in path:
        return ""
    parts = [part for part in path.split("/") if part]
    if "." in parts or ".." in parts:
        return ""
    return "/" + "/".join(parts)


def homes(guest: Guest) -> tuple[str, ...]:
    """Home directories named in /etc/passwd besides /root and those directly below /home.

    Those two are always searched by pattern, so that homes of directory accounts are found too. At most
    `MAX_HOMES`, sorted; paths of system accounts that are no homes are left out.
    """
    found = set()
    for account in parse_passwd(read_text(guest.fs, "/etc/passwd") or ""):
        home = normal_path(account.home)
        parent, _, name = home.rpartition("/")
        if not name or home == "/root" or parent == "/home":
            continue
        if any(home == top or home.startswith(f"{top}/") for top in _NOT_HOMES):
            continue
        found.add(home)
    return tuple(sorted(found)[:MAX_HOMES])
