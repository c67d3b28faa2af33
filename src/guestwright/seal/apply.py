"""Apply one change to the guest's files and say what really happened.

The tree is an overlay: applying is how a plan is computed, and committing the overlay is a separate step.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Final

from guestwright.base.digest import blake2b, sha256
from guestwright.base.record import field, record
from guestwright.guestfs.errors import NotFound, WrongKind
from guestwright.guestfs.machine import Effects
from guestwright.guestfs.port import FileKind, Filesystem, GuestFS, Removed, Stat
from guestwright.seal import changes
from guestwright.seal.plan import Action, ActionKind

Labeller = Callable[[str, FileKind], bytes | None]
"""SELinux context for a new inode, None when the guest does not label or the policy does not say."""

SELINUX_ATTRIBUTE: Final = "security.selinux"


def no_label(path: str, kind: FileKind) -> bytes | None:
    """The labeller of a guest without SELinux."""
    del path, kind
    return None


def _removal(change: changes.Change) -> tuple[bool, bool] | None:
    """What removals must have in common to go in one call; None for what is not a tolerant removal."""
    if isinstance(change, changes.Remove) and change.tolerant:
        return (change.tree, change.scrub)
    return None


def _removed(change: changes.Remove, outcome: Removed | FileKind | None) -> list[Action]:
    if outcome is None:
        return []
    if isinstance(outcome, FileKind):
        text = f"a {outcome} where a file was expected; left alone"
        return [Action(kind=ActionKind.KEEP, path=change.path, detail=text)]
    return [
        Action(
            kind=ActionKind.REMOVE,
            path=change.path,
            files=outcome.files,
            directories=outcome.directories,
            size=outcome.size,
            detail="zeroed first" if change.scrub else "",
            reason=change.reason,
        )
    ]


@record
class Applier:
    """Applies changes.

    Args:
        fs: the guest's files.
        effects: for the few changes that are not about files; None where there are none.
        filesystems: by id, for SetUuid.
        label: SELinux contexts of new inodes.
        dry: leave out what has effects beyond the overlay (host scripts).
        key: for the fingerprints of secret content; the seed of the request.
    """

    fs: GuestFS
    effects: Effects | None = None
    filesystems: dict[str, Filesystem] = field(default_factory=dict)
    label: Labeller = no_label
    dry: bool = False
    key: bytes = b""
    unlabelled: list[str] = field(default_factory=list)

    def apply(self, change: changes.Change) -> list[Action]:
        """Do it.

        Returns:
            What was done: usually one action, none when there was nothing to do.

        Raises:
            GuestFSError: the driver's error, when it cannot be done and the change does not tolerate that.
        """
        if isinstance(change, changes.Note):
            kind = ActionKind.NOTE
            return [Action(kind=kind, path=change.path, detail=change.text, severity=change.severity)]
        match change:
            case changes.Remove():
                return self._remove(change)
            case changes.RemoveFiles():
                return self._remove_files(change)
            case changes.Truncate():
                return self._truncate(change)
            case changes.Write():
                return self._write(change)
            case changes.MakeDirectory():
                return self._make_directory(change)
            case changes.MakeSymlink():
                return self._make_symlink(change)
            case changes.SetMode() | changes.SetOwner():
                return self._attributes(change)
            case _:
                return self._beyond_files(change)

    def apply_all(self, wanted: Sequence[changes.Change]) -> Iterator[Action]:
        """Do many, in order; neighbouring removals in one call to the driver."""
        for alike, group in groupby(wanted, key=_removal):
            if not alike:
                for change in group:
                    yield from self.apply(change)
                continue
            removals = [change for change in group if isinstance(change, changes.Remove)]
            paths = [change.path for change in removals]
            outcomes = self.fs.remove_all(paths, recursive=removals[0].tree, scrub=removals[0].scrub)
            for change, outcome in zip(removals, outcomes, strict=True):
                yield from _removed(change, outcome)

    def _remove(self, change: changes.Remove) -> list[Action]:
        try:
            gone = self.fs.remove(change.path, recursive=change.tree, scrub=change.scrub)
        except NotFound:
            return []
        except WrongKind:
            if not change.tolerant:
                raise
            return _removed(change, FileKind.DIRECTORY)
        return _removed(change, gone)

    def _remove_files(self, change: changes.RemoveFiles) -> list[Action]:
        try:
            gone = self.fs.remove_files(change.top, keep=change.keep)
        except (NotFound, WrongKind):
            return []
        if not gone.files:
            return []
        return [
            Action(
                kind=ActionKind.REMOVE,
                path=f"{change.top.rstrip('/')}/**",
                files=gone.files,
                size=gone.size,
                detail="files only; directories stay",
                reason=change.reason,
            )
        ]

    def _truncate(self, change: changes.Truncate) -> list[Action]:
        before = self.fs.lstat(change.path)
        if before.size == 0:
            return []
        self.fs.truncate(change.path, scrub=change.scrub)
        return [Action(kind=ActionKind.TRUNCATE, path=change.path, size=before.size, reason=change.reason)]

    def _write(self, change: changes.Write) -> list[Action]:
        before = self._stat(change.path)
        self.fs.write(change.path, change.data, mode=change.mode, uid=change.uid, gid=change.gid)
        if before is None:
            self._set_label(change.path, FileKind.FILE)
        elif change.mode_always and before.mode != change.mode:
            self.fs.chmod(change.path, change.mode)
        return [
            Action(
                kind=ActionKind.CREATE if before is None else ActionKind.REWRITE,
                path=change.path,
                size=len(change.data),
                detail=f"mode {change.mode:04o}" if before is None or change.mode_always else "",
                reason=change.reason,
                sha256=self._fingerprint(change),
            )
        ]

    def _fingerprint(self, change: changes.Write) -> str:
        """Hash of what is written; of a secret one that says nothing to who does not hold the plan's seed."""
        if change.secret:
            return blake2b(change.data, key=self.key[:64], digest_size=32).hexdigest()
        return sha256(change.data).hexdigest()

    def _make_directory(self, change: changes.MakeDirectory) -> list[Action]:
        done: list[Action] = []
        missing: list[str] = []
        path = change.path.rstrip("/")
        while path and self._stat(path) is None:
            missing.append(path)
            path = os.path.dirname(path).rstrip("/")
        for one in reversed(missing):
            last = one == missing[0]
            self.fs.mkdir(
                one,
                mode=change.mode if last else 0o755,
                uid=change.uid if last else 0,
                gid=change.gid if last else 0,
            )
            self._set_label(one, FileKind.DIRECTORY)
            detail = f"mode {change.mode if last else 0o755:04o}"
            done.append(Action(kind=ActionKind.MKDIR, path=one, detail=detail, reason=change.reason))
        return done

    def _make_symlink(self, change: changes.MakeSymlink) -> list[Action]:
        with suppress(NotFound, WrongKind):
            if self.fs.readlink(change.path) == change.target:
                return []
        with suppress(NotFound):
            self.fs.remove(change.path)
        self.fs.symlink(change.target, change.path)
        self._set_label(change.path, FileKind.SYMLINK)
        detail = f"-> {change.target}"
        return [Action(kind=ActionKind.SYMLINK, path=change.path, detail=detail, reason=change.reason)]

    def _attributes(self, change: changes.SetMode | changes.SetOwner) -> list[Action]:
        if isinstance(change, changes.SetMode):
            if self.fs.stat(change.path).mode == change.mode:
                return []
            self.fs.chmod(change.path, change.mode)
            kind, detail = ActionKind.CHMOD, f"mode {change.mode:04o}"
        else:
            now = self.fs.lstat(change.path)
            if (now.uid, now.gid) == (change.uid, change.gid):
                return []
            self.fs.chown(change.path, change.uid, change.gid)
            kind, detail = ActionKind.CHOWN, f"owner {change.uid}:{change.gid}"
        return [Action(kind=kind, path=change.path, detail=detail, reason=change.reason)]

    def _beyond_files(
        self, change: changes.SetUuid | changes.RenewLvmUuids | changes.RunScript
    ) -> list[Action]:
        if self.effects is None:
            raise ValueError("this change needs a machine, not only files")
        if isinstance(change, changes.SetUuid):
            self.effects.set_uuid(self.filesystems[change.filesystem], change.uuid)
            detail = f"{change.filesystem} gets {change.uuid}"
            return [Action(kind=ActionKind.SET_UUID, detail=detail, reason=change.reason)]
        if isinstance(change, changes.RenewLvmUuids):
            self.effects.renew_lvm_uuids()
            return [Action(kind=ActionKind.RENEW_LVM_UUIDS, reason=change.reason)]
        if not self.dry:
            self.effects.run_script(change.command, change.directory)
        return [Action(kind=ActionKind.RUN_SCRIPT, detail=change.command, reason=change.reason)]

    def _stat(self, path: str) -> Stat | None:
        try:
            return self.fs.stat(path)
        except NotFound:
            return None

    def _set_label(self, path: str, kind: FileKind) -> None:
        context = self.label(path, kind)
        if context is not None:
            self.fs.set_xattr(path, SELINUX_ATTRIBUTE, context)
        elif self.label is not no_label:
            self.unlabelled.append(path)
