"""Contexts for new files, so that a sealed SELinux guest need not relabel itself at first boot."""

from __future__ import annotations

import os
import os.path
import re
from typing import Final

from guestwright.guestfs.errors import GuestFSError, NotFound
from guestwright.guestfs.port import FileKind, GuestFS
from guestwright.seal.guest import Guest
from guestwright.seal.selinux.contexts import FileContexts, parse_contexts

LIMIT: Final = 8 << 20
"""Bytes of one policy file; Fedora's file_contexts has under 1 MiB."""

ATTRIBUTE: Final = "security.selinux"
_POLICY_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_DEFAULT_POLICY: Final = "targeted"


class Labeller:
    """Answers which context a new inode gets.

    The guest's policy is read at the first question, so that a run that creates nothing costs nothing. Where
    the policy gives no context (`<<none>>`, or no entry), the new file gets its directory's context, as the
    kernel would do; where there is no policy, or the directory has no context either, the answer is None and
    the guest must relabel itself.

    Args:
        fs: the guest's files.
        policy: SELINUXTYPE of /etc/selinux/config.
    """

    __slots__ = ("_contexts", "_fs", "_loaded", "_policy")

    def __init__(self, fs: GuestFS, policy: str) -> None:
        self._fs = fs
        self._policy = policy if _POLICY_NAME.fullmatch(policy) else _DEFAULT_POLICY
        self._contexts: FileContexts | None = None
        self._loaded = False

    def __call__(self, path: str, kind: FileKind) -> bytes | None:
        """Value for the attribute `security.selinux`, with its trailing NUL, or None."""
        if not self._loaded:
            self._contexts = load(self._fs, self._policy)
            self._loaded = True
        if self._contexts is None:
            return None
        context = self._contexts.lookup(os.fsencode(_real(self._fs, path)), kind)
        return context + b"\0" if context else self._inherited(path)

    @property
    def skipped(self) -> tuple[str, ...]:
        """Expressions of the policy that were needed and could not be used."""
        found = self._contexts.skipped if self._contexts else []
        return tuple(os.fsdecode(one) for one in dict.fromkeys(found))

    def _inherited(self, path: str) -> bytes | None:
        try:
            attributes = self._fs.xattrs(self._fs.resolve(os.path.dirname(path)))
        except NotFound:
            return None
        context = attributes.get(ATTRIBUTE, b"")
        return context if 0 < len(context) <= 256 else None


def labeller(guest: Guest) -> Labeller:
    """The labeller of a guest that uses SELinux (ask `guest.selinux.in_use` first)."""
    return Labeller(guest.fs, guest.selinux.policy or _DEFAULT_POLICY)


def label_for(guest: Guest, path: str, kind: FileKind) -> str | None:
    """The context of one path as text; None when the guest does not label or its policy cannot be read."""
    if not guest.selinux.in_use:
        return None
    context = labeller(guest)(path, kind)
    return context.rstrip(b"\0").decode("ascii", "replace") if context else None


def load(fs: GuestFS, policy: str) -> FileContexts | None:
    """Read a policy's file contexts; None when there are none that can be read.

    Args:
        fs: the guest's files.
        policy: name of a directory in /etc/selinux.
    """
    base = f"/etc/selinux/{policy}/contexts/files/file_contexts"
    main = _read(fs, base)
    if main is None:
        return None
    texts = [main, _read(fs, f"{base}.homedirs") or b"", _read(fs, f"{base}.local") or b""]
    return parse_contexts(texts, [_read(fs, f"{base}.{name}") or b"" for name in ("subs", "subs_dist")])


def _read(fs: GuestFS, path: str) -> bytes | None:
    try:
        return fs.read(path, limit=LIMIT)
    except GuestFSError:  # missing, a directory, too large, a loop: there is no usable policy file
        return None


def _real(fs: GuestFS, path: str) -> str:
    """The path as the policy spells it: directories resolved, the last name as it is."""
    directory, name = os.path.split(path)
    try:
        return os.path.join(fs.resolve(directory), name)
    except NotFound:
        return path
