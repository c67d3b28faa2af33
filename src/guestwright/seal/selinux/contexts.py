"""The guest's own file_contexts: which SELinux context belongs to a path.

Theory of operation: as libselinux's label_file.c does it (selabel_file(5)): the files file_contexts,
.homedirs and .local are one list; expressions without metacharacters count as if they stood last; the last
entry whose expression matches the whole path, and whose file type (if it names one) is right, wins;
`<<none>>` means no context. Before the look-up, .subs and then .subs_dist each replace one leading directory.

The policy is the guest's, so it is hostile: sizes are capped, entries that cannot be parsed are skipped, and
expressions are matched by an automaton in linear time. Only a handful of new files are ever looked up, so
nothing is compiled before its literal beginning fits the path.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from guestwright.base.record import field, record
from guestwright.guestfs.port import FileKind
from guestwright.seal.selinux.automaton import Automaton
from guestwright.seal.selinux.expression import ExpressionError, parse_expression

MAX_LINES: Final = 100_000
MAX_CONTEXT: Final = 255
NONE: Final = b"<<none>>"

_TYPES: Final = {
    b"--": FileKind.FILE,
    b"-d": FileKind.DIRECTORY,
    b"-l": FileKind.SYMLINK,
    b"-b": FileKind.BLOCK_DEVICE,
    b"-c": FileKind.CHARACTER_DEVICE,
    b"-p": FileKind.FIFO,
    b"-s": FileKind.SOCKET,
}
_LITERAL: Final = re.compile(rb"[^\\.^$?*+|\[({]*")
_STEM: Final = re.compile(rb"/[A-Za-z0-9_-]+(?=[/\s])")
_CONTEXT: Final = re.compile(rb"[A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+(?::[A-Za-z0-9_.,:-]+)?")
_META: Final = frozenset(b".^$?*+|[({")


@record(kw_only=False)
class Entry:
    """One line that may apply: expression, file type (None: any), context."""

    pattern: bytes
    kind: FileKind | None
    context: bytes
    exact: bool


@record
class FileContexts:
    """All entries, sorted by the first directory of their expression.

    Attributes:
        stems: lines by literal first component ("/usr"); b"" holds those whose first component is no plain
            word. Each with its number in the list.
        substitutions: for .subs and .subs_dist: pairs of directory and what stands for it.
        skipped: expressions that were needed but could not be used.
        parsed: what was parsed of `stems` so far.
    """

    stems: dict[bytes, list[tuple[int, bytes]]]
    substitutions: tuple[tuple[tuple[bytes, bytes], ...], ...] = ()
    skipped: list[bytes] = field(default_factory=list)
    parsed: dict[bytes, list[tuple[int, Entry]]] = field(default_factory=dict)

    def lookup(self, path: bytes, kind: FileKind) -> bytes | None:
        """The context of a path.

        Args:
            path: absolute, symlinks resolved.
            kind: type of the inode; UNKNOWN fits every entry.

        Returns:
            The context without a trailing NUL; None where the policy gives none.
        """
        for table in self.substitutions:
            path = _substitute(table, path)
        stem = _STEM.match(path + b"/")
        numbered = [*self._entries(b""), *(self._entries(stem.group()) if stem else ())]
        numbered.sort(key=lambda one: (one[1].exact, one[0]), reverse=True)
        for _, entry in numbered:
            if entry.kind not in {None, kind} and kind is not FileKind.UNKNOWN:
                continue
            if _unescaped(entry.pattern) == path if entry.exact else self._matches(entry.pattern, path):
                return _context(entry)
        return None

    def _entries(self, stem: bytes) -> list[tuple[int, Entry]]:
        """The lines of one stem, parsed the first time that they are needed."""
        found = self.parsed.get(stem)
        if found is None:
            lines = self.stems.get(stem, [])
            found = [(number, entry) for number, line in lines if (entry := parse_entry(line)) is not None]
            self.parsed[stem] = found
        return found

    def _matches(self, pattern: bytes, path: bytes) -> bool:
        if not path.startswith(literal_start(pattern)):
            return False
        try:
            return Automaton(parse_expression(pattern)).matches(path)
        except ExpressionError:
            self.skipped.append(pattern)
            return False


def parse_contexts(texts: Sequence[bytes], substitutions: Sequence[bytes] = ()) -> FileContexts:
    """Read a policy's files.

    Args:
        texts: contents of file_contexts, .homedirs and .local, in this order.
        substitutions: contents of .subs and .subs_dist, in this order.

    Returns:
        The entries. Beyond `MAX_LINES` lines the rest is left out.
    """
    stems: dict[bytes, list[tuple[int, bytes]]] = {}
    number = 0
    for text in texts:
        for line in text.split(b"\n", MAX_LINES - number)[: MAX_LINES - number]:
            number += 1
            if line.startswith(b"/"):
                stem = _STEM.match(line)
                stems.setdefault(stem.group() if stem else b"", []).append((number, line))
            elif line and line[0] in b" \t([.^\\":
                stems.setdefault(b"", []).append((number, line))
    return FileContexts(stems=stems, substitutions=tuple(_table(text) for text in substitutions))


def parse_entry(line: bytes) -> Entry | None:
    """One line: expression, optional type, context; None for a comment and what is malformed."""
    parts = line.split()
    if len(parts) not in {2, 3} or parts[0].startswith(b"#"):
        return None
    kind = None
    if len(parts) == 3:
        if parts[1] not in _TYPES:
            return None
        kind = _TYPES[parts[1]]
    return Entry(parts[0], kind, parts[-1], exact=not _has_meta(parts[0]))


def literal_start(pattern: bytes) -> bytes:
    """What every match must begin with, at least; empty when alternatives stand at the top level."""
    if b"|" in pattern and _has_top_choice(pattern):
        return b""
    found = _LITERAL.match(pattern)
    assert found is not None
    literal = found.group()
    following = pattern[len(literal) : len(literal) + 1]
    return literal[:-1] if following in {b"?", b"*", b"{"} else literal


def _has_top_choice(pattern: bytes) -> bool:
    depth = 0
    for byte in re.sub(rb"\\.|\[\^?\]?[^]]*\]", b"", pattern):
        if byte == ord("|") and depth == 0:
            return True
        depth += (byte == ord("(")) - (byte == ord(")"))
    return False


def _has_meta(pattern: bytes) -> bool:
    """As spec_hasMetaChars in label_file.h: a backslash takes the meaning from what follows it."""
    if b"\\" in pattern:
        pattern = re.sub(rb"\\.", b"", pattern, flags=re.DOTALL)
    return not _META.isdisjoint(pattern)


def _unescaped(pattern: bytes) -> bytes:
    return re.sub(rb"\\(.)", rb"\1", pattern, flags=re.DOTALL) if b"\\" in pattern else pattern


def _context(entry: Entry) -> bytes | None:
    context = entry.context
    if context == NONE or len(context) > MAX_CONTEXT or not _CONTEXT.fullmatch(context):
        return None
    return context


def _table(text: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Lines "directory replacement"; the longest directory is tried first."""
    pairs = [parts for line in text.split(b"\n", MAX_LINES)[:MAX_LINES] if len(parts := line.split()) == 2]
    kept = [(one, other) for one, other in pairs if one.startswith(b"/") and other.startswith(b"/")]
    kept.reverse()
    kept.sort(key=lambda pair: len(pair[0]), reverse=True)
    return tuple(kept)


def _substitute(table: tuple[tuple[bytes, bytes], ...], path: bytes) -> bytes:
    for directory, replacement in table:
        if path == directory or path.startswith(directory + b"/"):
            rest = path[len(directory) :]
            return (replacement.rstrip(b"/") + rest) or b"/"
    return path
