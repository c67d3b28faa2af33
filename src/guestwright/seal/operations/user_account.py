"""Remove login accounts with everything that belongs to them.

Beyond virt-sysprep this also edits gshadow, subuid and subgid, takes the accounts out of other groups,
removes their crontabs and lingering marks, and refuses to remove a "home" that is no home of one user: a
passwd entry may say `/`, `/home` or `/var`, which virt-sysprep would delete with all that is in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from guestwright.base.printable import printable
from guestwright.guestfs.globs import escape
from guestwright.guestfs.port import FileKind
from guestwright.seal import conditions
from guestwright.seal.accounts import Account, normal_path, parse_passwd
from guestwright.seal.changes import Change, Note, Options, Remove, Severity, Write
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation
from guestwright.seal.option_values import texts
from guestwright.seal.textfile import encode, filter_lines, read_text

_REASON: Final = "login account of the old machine"
_BY_NAME: Final = ("/etc/passwd", "/etc/shadow", "/etc/subuid", "/etc/subgid")
_GROUPS: Final = ("/etc/group", "/etc/gshadow")
_SPOOLS: Final = (
    "/var/spool/mail",
    "/var/mail",
    "/var/spool/cron{,/crontabs,/tabs}",
    "/var/lib/AccountsService/{users,icons}",
)
_NUMBER: Final = r"[0-9]{1,10}"
_LINGER: Final = "/var/lib/systemd/linger"
_SHARED: Final = frozenset(
    {"/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt", "/proc", "/root",
     "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/var"}
)  # fmt: skip
_SYSTEM: Final = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr")


def plan(guest: Guest, options: Options) -> Iterator[Change]:
    """Remove the chosen accounts."""
    wanted, kept = texts(options, "remove-user-accounts"), texts(options, "keep-user-accounts")
    limits = uid_range(read_text(guest.fs, "/etc/login.defs") or "")
    if limits is None:
        yield Note(
            path="/etc/login.defs", text="no UID_MIN and UID_MAX: cannot tell login accounts from others"
        )
        return
    accounts = parse_passwd(read_text(guest.fs, "/etc/passwd") or "")
    doomed = [
        one
        for one in accounts
        if max(1, limits[0]) <= one.uid <= limits[1]
        and one.name not in kept
        and (not wanted or one.name in wanted)
    ]
    if not doomed:
        return
    names = frozenset(one.name for one in doomed)
    yield from _edit_tables(guest, names)
    yield from _remove_files(guest, doomed, [one for one in accounts if one.name not in names])


def uid_range(text: str) -> tuple[int, int] | None:
    """UID_MIN and UID_MAX of login.defs(5); None unless both are numbers."""
    found: dict[str, int] = {}
    for line in text.split("\n"):
        fields = line.split()
        if len(fields) >= 2 and fields[0] in {"UID_MIN", "UID_MAX"} and re.fullmatch(_NUMBER, fields[1]):
            found[fields[0]] = int(fields[1])
    return (found["UID_MIN"], found["UID_MAX"]) if len(found) == 2 else None


def without_members(line: str, names: frozenset[str]) -> str:
    """A line of group(5) or gshadow(5) without these accounts among members and administrators."""
    fields = line.split(":")
    if len(fields) != 4:
        return line
    fields[3] = ",".join(one for one in fields[3].split(",") if one not in names)
    if not fields[2].isdigit():  # gshadow: administrators; group: the numeric id
        fields[2] = ",".join(one for one in fields[2].split(",") if one not in names)
    return ":".join(fields)


def _edit_tables(guest: Guest, names: frozenset[str]) -> Iterator[Change]:
    def stays(line: str) -> bool:
        return line.split(":", 1)[0] not in names

    for path in _BY_NAME:
        text = read_text(guest.fs, path)
        left = None if text is None else filter_lines(text, stays)
        if left is not None:
            yield _write(path, left)
    for path in _GROUPS:
        text = read_text(guest.fs, path)
        if text is not None:
            left = _edit_groups(text, names, stays)
            if left != text:
                yield _write(path, left)


def _edit_groups(text: str, names: frozenset[str], stays: Callable[[str], bool]) -> str:
    left = filter_lines(text, stays)
    lines = (text if left is None else left).split("\n")
    return "\n".join(without_members(line, names) for line in lines)


def _write(path: str, text: str) -> Write:
    return Write(path=path, data=encode(text), mode=0o600, secret="shadow" in path, reason=_REASON)


def _remove_files(guest: Guest, doomed: list[Account], others: list[Account]) -> Iterator[Change]:
    inhabited = {normal_path(one.home) for one in others}
    homes = {}
    for one in doomed:
        home = normal_path(one.home)
        if home and not _is_shared(home, inhabited):
            homes[home] = one
        else:
            text = f"home of {printable(one.name)} is {printable(one.home)}, which others use or need; left"
            yield Note(path=one.home, text=text)
    patterns = [escape(home) for home in homes]
    for one in doomed:
        if "/" not in one.name:
            patterns += [f"{spool}/{escape(one.name)}" for spool in (*_SPOOLS, _LINGER)]
    for entry in guest.fs.glob(patterns):
        tree = entry.stat.kind is FileKind.DIRECTORY
        if tree and entry.path not in homes and not entry.path.startswith(("/var/spool/mail/", "/var/mail/")):
            continue  # an account called "crontabs" or "atjobs" does not take the spool with it
        yield Remove(path=entry.path, tree=tree, scrub=True, reason=_REASON)


def _is_shared(home: str, inhabited: set[str]) -> bool:
    """Whether a directory is no home of one user: a system directory, or one with another's home in it."""
    if home == "/" or home in _SHARED or home.startswith(tuple(f"{top}/" for top in _SYSTEM)):
        return True
    if home.startswith("/var/") and home.count("/") < 3:
        return True
    return any(other == home or other.startswith(f"{home}/") for other in inhabited)


OPERATION: Final = Operation(
    name="user-account",
    summary="Remove login accounts",
    severity=Severity.WARNING,
    default=False,
    applies=conditions.unix,
    plan=plan,
    parity=True,
    source="virt-sysprep(1), user-account; login.defs(5), group(5), gshadow(5), subuid(5)",
    options={
        "remove-user-accounts": "names of the accounts to remove; without it all login accounts",
        "keep-user-accounts": "names of accounts to keep; wins over the other",
    },
)
