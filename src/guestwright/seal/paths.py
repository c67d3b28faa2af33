"""Operations that only take files away are data: tables of path rules.

Theory of operation: an operation is a few `PathRule`s. All their patterns, the conditions' patterns included,
go to the driver in one `glob`; what comes back is dealt out to the rules by matching the paths again here
(a dictionary by directory, so that this costs next to nothing), and becomes changes. Only what is there
becomes a change, so a rule that was applied finds nothing the second time.

Beyond plain removal this keeps three promises: a directory where the rule expects a file is left alone
(virt-sysprep aborts its run on some of them); a file that two patterns reach by different spellings
(/var/mail and /var/spool/mail) is changed once; a mount point below a tree is emptied rather than removed,
and the `lost+found` of a filesystem mounted there stays.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum

from guestwright.base.record import record
from guestwright.guestfs import globs
from guestwright.guestfs.errors import NotFound, WrongKind
from guestwright.guestfs.port import Entry, FileKind, GuestFS
from guestwright.seal.accounts import homes
from guestwright.seal.changes import Change, Note, Options, Remove, RemoveFiles, Severity, Truncate
from guestwright.seal.guest import Guest

Then = Callable[[Guest, Options, Sequence[Change]], Iterable[Change]]
"""What follows from a table's changes: gets those, returns more."""


class Action(StrEnum):
    """What happens to a path that a rule matches."""

    REMOVE = "remove"  # anything but a directory
    REMOVE_TREE = "remove tree"  # directories with all their content, too
    REMOVE_FILES = "remove files below"  # a directory: its regular files at any depth; directories stay
    TRUNCATE = "truncate"  # a regular file that is not empty
    REPORT = "report"  # left in place; the reason becomes a note


@record
class PathRule:
    """Which paths go, how, and why.

    Attributes:
        globs: patterns as in `GuestFS.glob`. One that starts with `~/` is tried in every home directory:
            /root, those below /home, and those that /etc/passwd names elsewhere.
        reason: why; shown with every path.
        action: see `Action`.
        secret: zero the data before it is freed.
        unless: patterns of paths that stay although `globs` matches them.
        keep: names that REMOVE_FILES spares.
        regular: only regular files (a symlink of that name stays).
        only_if: patterns of which one must match for the rule to apply; none is no condition.
        not_if: patterns of which none may match.
        severity: of the note (REPORT).
    """

    globs: tuple[str, ...]
    reason: str
    action: Action = Action.REMOVE
    secret: bool = False
    unless: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    regular: bool = False
    only_if: tuple[str, ...] = ()
    not_if: tuple[str, ...] = ()
    severity: Severity = Severity.WARNING


@record
class RulePlanner:
    """The planner of an operation that is a table, and perhaps a computed rest.

    Attributes:
        rules: the table; the documentation is made from it.
        then: what the table cannot say; it is told the changes of the rules, and its own come after them.
    """

    rules: tuple[PathRule, ...]
    then: Then | None = None

    def __call__(self, guest: Guest, options: Options) -> Iterator[Change]:
        """See `Planner`."""
        changes = tuple(expand(guest, self.rules))
        yield from changes
        if self.then is not None:
            yield from self.then(guest, options, changes)


def rules(*table: PathRule, then: Then | None = None) -> RulePlanner:
    """`RulePlanner` without the keywords."""
    return RulePlanner(rules=table, then=then)


def expand(guest: Guest, table: Sequence[PathRule]) -> Iterator[Change]:
    """The changes that a table of rules wants done to a guest.

    Args:
        guest: the guest; read with one `glob`, and a `walk` for each directory of a REMOVE_FILES rule.
        table: the rules; a path belongs to the first rule that matches it.

    Yields:
        Changes, sorted by path within the table.
    """
    elsewhere = homes(guest) if any(one.startswith("~/") for rule in table for one in rule.globs) else ()
    wanted = [_spelled(rule.globs, elsewhere) for rule in table]
    conditions = [one for rule in table for one in (*rule.only_if, *rule.not_if)]
    found = guest.fs.glob([*dict.fromkeys(one for some in (*wanted, conditions) for one in some)])
    if not found:
        return
    owner = _Index(wanted).owner
    live = [_applies(rule, found) for rule in table]
    spared = [_Index([_spelled(rule.unless, elsewhere)]) for rule in table]
    hits = []
    for entry in found:
        number = owner(entry.path)
        if number >= 0 and live[number] and spared[number].owner(entry.path) < 0:
            hits.append((entry, table[number]))
    yield from _changes(guest, _distinct(guest.fs, hits))


def _spelled(patterns: Iterable[str], elsewhere: Iterable[str]) -> tuple[str, ...]:
    spelled: list[str] = []
    for pattern in patterns:
        if pattern.startswith("~/"):
            tops = ("/root", "/home/*", *(globs.escape(home) for home in elsewhere))
            spelled += [f"{top}{pattern[1:]}" for top in tops]
        else:
            spelled.append(pattern)
    return tuple(spelled)


def _applies(rule: PathRule, found: Sequence[Entry]) -> bool:
    if rule.only_if and not _any(rule.only_if, found):
        return False
    return not (rule.not_if and _any(rule.not_if, found))


def _any(patterns: tuple[str, ...], found: Sequence[Entry]) -> bool:
    index = _Index([patterns])
    return any(index.owner(entry.path) >= 0 for entry in found)


class _Index:
    """Finds which of several groups of patterns a path belongs to.

    Patterns with a literal directory (nearly all) are looked up by it; the others are tried one by one.
    """

    def __init__(self, groups: Sequence[Iterable[str]]) -> None:
        self._by_directory: dict[str, list[tuple[int, str]]] = {}
        self._others: list[tuple[int, list[str]]] = []
        for number, group in enumerate(groups):
            for pattern in group:
                for one in globs.expand_braces(pattern) if "{" in pattern else (pattern,):
                    self._add(number, one)

    def _add(self, number: int, pattern: str) -> None:
        directory, name = os.path.split(pattern.rstrip("/"))
        literal = globs.literal(directory)
        if literal is None:
            self._others.append((number, pattern.split("/")))
        else:
            self._by_directory.setdefault(literal, []).append((number, name))

    def owner(self, path: str) -> int:
        """Number of the first group with a pattern that matches; -1 when there is none."""
        directory, name = os.path.split(path)
        near = (number for number, one in self._by_directory.get(directory, ()) if _matches(one, name))
        found = min(near, default=-1)
        parts = path.split("/")
        for number, pattern in self._others:
            if 0 <= found <= number or len(pattern) != len(parts):
                continue
            if all(map(_matches, pattern, parts)):
                found = number
        return found


def _matches(pattern: str, name: str) -> bool:
    return pattern == name or (
        globs.is_magic(pattern) and globs.compiled(pattern).fullmatch(name) is not None
    )


def _distinct(fs: GuestFS, hits: Sequence[tuple[Entry, PathRule]]) -> list[tuple[Entry, PathRule]]:
    """Leave out a path that is another one's by way of a symlinked directory (hard links are two paths)."""
    seen: dict[tuple[str, int], list[str]] = {}
    kept = []
    for entry, rule in hits:
        twins = seen.setdefault((entry.stat.filesystem, entry.stat.inode), [])
        if twins:
            real = fs.resolve(entry.path, follow=False)
            if any(fs.resolve(twin, follow=False) == real for twin in twins):
                continue
        twins.append(entry.path)
        kept.append((entry, rule))
    return kept


def _changes(guest: Guest, hits: Sequence[tuple[Entry, PathRule]]) -> Iterator[Change]:
    mounts = tuple(sorted(mount for mount, _ in guest.mounts if mount != "/"))
    gone: set[str] = set()  # trees that are removed as a whole; hits are sorted: parents come first
    for entry, rule in hits:
        path, kind = entry.path, entry.stat.kind
        if _below(path, gone) or _is_lost_and_found(path, mounts):
            continue
        if rule.regular and kind is not FileKind.FILE:
            continue
        match rule.action:
            case Action.REPORT:
                yield Note(path=path, text=rule.reason, severity=rule.severity)
            case Action.TRUNCATE:
                if kind is FileKind.FILE and entry.stat.size:
                    yield Truncate(path=path, scrub=rule.secret, reason=rule.reason)
            case Action.REMOVE_FILES:
                if has_files(guest.fs, path, rule.keep):
                    yield RemoveFiles(top=path, keep=rule.keep, reason=rule.reason)
            case Action.REMOVE | Action.REMOVE_TREE:
                if kind is not FileKind.DIRECTORY:
                    yield Remove(path=path, scrub=rule.secret, reason=rule.reason)
                elif rule.action is Action.REMOVE_TREE:
                    yield from _tree(guest.fs, path, rule, mounts)
                    gone.add(path)


def _tree(fs: GuestFS, path: str, rule: PathRule, mounts: Sequence[str]) -> Iterator[Change]:
    """Remove a tree, but keep mount points in it and their lost+found."""
    if not any(mount == path or mount.startswith(f"{path}/") for mount in mounts):
        yield Remove(path=path, tree=True, scrub=rule.secret, reason=rule.reason)
        return
    for entry in fs.listdir(path):
        if _is_lost_and_found(entry.path, mounts):
            continue
        if entry.stat.kind is FileKind.DIRECTORY:
            yield from _tree(fs, entry.path, rule, mounts)
        else:
            yield Remove(path=entry.path, scrub=rule.secret, reason=rule.reason)


def _below(path: str, trees: set[str]) -> bool:
    while trees and path != "/":
        path = os.path.dirname(path)
        if path in trees:
            return True
    return False


def _is_lost_and_found(path: str, mounts: Sequence[str]) -> bool:
    directory, name = os.path.split(path)
    return name == "lost+found" and directory in mounts


def has_files(fs: GuestFS, top: str, keep: Iterable[str] = ()) -> bool:
    """Whether `remove_files` would find something below `top`."""
    spared = frozenset(keep)
    try:
        return any(
            entry.stat.kind is FileKind.FILE and os.path.basename(entry.path) not in spared
            for entry in fs.walk(top)
        )
    except (NotFound, WrongKind):
        return False
