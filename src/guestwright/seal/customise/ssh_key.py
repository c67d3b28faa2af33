"""Public keys in a user's authorized_keys.

The home directory is the one that the guest's /etc/passwd names, symlinks resolved inside the guest. A `.ssh`
or `authorized_keys` that is a symlink is followed, too: the guest's administrator put it there, and it cannot
lead out of the guest.
"""

from __future__ import annotations

from collections.abc import Iterator

from guestwright.guestfs.port import FileKind
from guestwright.seal.accounts import Account, normal_path, parse_passwd
from guestwright.seal.changes import Change
from guestwright.seal.customise.directives import InjectSshKey
from guestwright.seal.customise.errors import GuestPathMissing
from guestwright.seal.customise.keys import parse_keys
from guestwright.seal.customise.looking import content, need, put, put_directory
from guestwright.seal.customise.text_lines import line_end
from guestwright.seal.guest import Guest
from guestwright.seal.passwords.errors import UserUnknown
from guestwright.seal.textfile import read_text

_REASON = "SSH key as asked for"


def plan_ssh_key(directive: InjectSshKey, guest: Guest) -> Iterator[Change]:
    """Add the keys that are not there yet.

    Raises:
        UserUnknown: the guest's /etc/passwd has no such user.
        GuestPathMissing: the user's home is no directory.
    """
    account = _account(guest, directive.user)
    fs = guest.fs
    home = normal_path(account.home)
    there = need(fs, home, "create it first with --mkdir and --chown") if home else None
    if there is None or there.kind is not FileKind.DIRECTORY:
        raise GuestPathMissing(path=account.home, problem="is no home directory", advice="")
    top = f"{home.rstrip('/')}/.ssh"
    yield from put_directory(fs, top, mode=0o700, uid=account.uid, gid=account.gid, reason=_REASON)
    path = f"{top}/authorized_keys"
    data = content(fs, path)
    words = set((data or b"").split())
    new = data or b""
    end = line_end(new)
    for key in parse_keys(directive.keys):
        if key.data.encode("ascii") in words:
            continue  # there, perhaps with options or another comment
        words.add(key.data.encode("ascii"))
        joint = end if new and not new.endswith((b"\n", b"\r")) else b""
        new += joint + key.line.encode("utf-8") + end
    if new != (data or b""):
        uid, gid = account.uid, account.gid
        yield from put(fs, path, new, mode=0o600, uid=uid, gid=gid, reason=_REASON, made_parent=True)


def _account(guest: Guest, user: str) -> Account:
    for account in parse_passwd(read_text(guest.fs, "/etc/passwd") or ""):
        if account.name == user:
            return account
    raise UserUnknown(user=user, file="/etc/passwd")
