"""Changes of a store since its last checkpoint, so that a killed server loses nothing it acknowledged.

Theory of operation: the tree notes which paths change. Before anything is sent, those paths go to the end of
the journal as they are now (`Journal.write`, called by `Traffic` before each send): one line, one `write`,
so that the changes of one turn, and with them each commit, are there as a whole or not at all. What the
kernel has taken survives the death of the process; it is not forced to disk, because a store means nothing
once the host has gone down with its guests.

A line is a JSON value: `{"n": nodes, "d": domains, "s": specials, "l": limits, "g": generation}`, each part
only if it changed. A node is `[path]` when it has gone, else `[path, value, permissions, generation]`.
Permissions name *lives* of domains (`[rights, domain id, life]`), numbers given out once: an entry for a life
that is not among the domains at the end must stay without effect.

A checkpoint is the whole state in the file beside. It carries a number, and so does the first line of the
journal that belongs to it; a journal with another number is older than the checkpoint and void. A last line
without an end was never acknowledged.

When the journal has grown long, the next one is begun beside it (`NEXT`), and another process makes the
checkpoint that this one belongs to (`compaction`). Until that is in its place, the state is the old
checkpoint, its journal and the next one; then the next journal takes the old one's place.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any, Final

from guestwright.xenstore.core import dump
from guestwright.xenstore.core.domain import Domain, Phase
from guestwright.xenstore.core.permissions import Permissions
from guestwright.xenstore.core.store import Store
from guestwright.xenstore.server.compaction import Compaction
from guestwright.xenstore.server.errors import StateNotSaved
from guestwright.xenstore.server.state_file import replace_file, write_state

FORMAT: Final = "guestwright-xenstore-journal"
VERSION: Final = 1
SUFFIX: Final = ".journal"
NEXT: Final = ".journal.next"
_SIZE_MIN: Final = 8 << 20  # bytes from which a new checkpoint is worth its time
_PATIENCE: Final = 4  # how many times that the next one may have while the checkpoint is made
_FACTOR: Final = 4  # how many times the checkpoint's size the journal may have

Entry = list[Any]


class Journal:
    """The journal of a store.

    Args:
        store: whose changes are written down.
        path: of the checkpoint; the journal has `SUFFIX` behind it.
        number: of the last checkpoint; afterwards of the present one.

    Raises:
        StateNotSaved: the files cannot be written.
    """

    def __init__(self, store: Store, path: str, number: int = 0) -> None:
        self._core = store.core
        self._store = store
        self._path = path
        self.number = number
        self._fd = -1
        self._size = 0
        self._limit = 0
        self._lives: dict[Domain, int] = {}
        self._next_life = 0
        self._written: dict[int, Entry] = {}
        self._specials: dict[bytes, Permissions] = {}
        self._limits: dict[str, int | None] = {}
        self._seen = -1
        self._changed: dict[bytes, None] = {}
        self._compaction: Compaction | None = None
        self.checkpoint()

    def checkpoint(self) -> None:
        """Save the whole state, now and here, and begin an empty journal.

        Raises:
            StateNotSaved: see `write`.
        """
        self._give_up()
        number = self.number + 1
        write_state(self._path, dump.save(self._store), number=number)
        self._begin(number, SUFFIX)
        with suppress(FileNotFoundError):
            os.unlink(self._path + NEXT)  # void, as its number is older
        self._limit = max(_SIZE_MIN, _FACTOR * os.path.getsize(self._path))

    def _begin(self, number: int, suffix: str) -> None:
        """Begin the journal of a checkpoint that is there, or is to be made of all that is written down."""
        self.number = number
        self._changed = self._core.tree.changed = {}
        self._written.clear()
        self._specials = {name: node.perms for name, node in self._core.specials.items()}
        self._limits = dump.limits_state(self._core.limits)
        self._seen = self._core.administration
        head = _line({"format": FORMAT, "version": VERSION, "number": number})
        head += _line({"d": self._domains()})
        replace_file(self._path + suffix, head)
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = os.open(self._path + suffix, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._size = len(head)

    def write(self) -> None:
        """Put down all that has changed since the last call.

        Raises:
            StateNotSaved: the kernel did not take it; nothing after the last call may be acknowledged.
        """
        core = self._core
        if self._compaction is not None and self._compaction.ended:
            self._compacted()
        if not self._changed and self._seen == core.administration:
            return
        parts = self._parts()
        if not parts:
            return
        line = _line(parts)
        try:
            written = os.write(self._fd, line)
        except OSError as error:
            raise StateNotSaved(path=self._path + SUFFIX, detail=error.strerror or str(error)) from error
        if written < len(line):
            raise StateNotSaved(path=self._path + SUFFIX, detail="there is no room")
        self._size += written
        if self._size <= self._limit:
            return
        if self._compaction is None:
            self._begin(self.number + 1, NEXT)
            self._compaction = Compaction(self._path, self.number)
        elif self._size > _PATIENCE * self._limit:
            self.checkpoint()  # that process does not come to an end

    def _compacted(self) -> None:
        """The checkpoint is made: put it in its place, and its journal after it."""
        made, self._compaction = self._compaction, None
        assert made is not None
        if not made.put():
            self.checkpoint()
            return
        try:
            os.replace(self._path + NEXT, self._path + SUFFIX)
            self._limit = max(_SIZE_MIN, _FACTOR * os.path.getsize(self._path))
        except OSError as error:
            raise StateNotSaved(path=self._path + NEXT, detail=error.strerror or str(error)) from error

    def _give_up(self) -> None:
        if self._compaction is not None:
            self._compaction.give_up()
            self._compaction = None

    def close(self) -> None:
        """Stop writing changes down; the files stay."""
        self._give_up()
        self._core.tree.changed = None
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _parts(self) -> dict[str, Any]:
        core = self._core
        parts: dict[str, Any] = {}
        if self._seen != core.administration:
            self._seen = core.administration
            domains = self._domains()
            if domains:
                parts["d"] = domains
            limits = dump.limits_state(core.limits)
            if limits != self._limits:
                parts["l"] = self._limits = limits
            specials = {name: node.perms for name, node in core.specials.items()}
            if specials != self._specials:
                self._specials = specials
                parts["s"] = [[_text(name), self._perms(one)] for name, one in specials.items()]
        if self._changed:
            nodes = core.tree.nodes
            found: list[Entry] = []
            parts["n"] = found
            for path in self._changed:
                node = nodes.get(path)
                if node is None:
                    found.append([_text(path)])
                else:
                    entry: Entry = [_text(path), _text(node.value), self._perms(node.perms), node.generation]
                    found.append(entry)
            self._changed.clear()
            parts["g"] = core.tree.generation
        return parts

    def _domains(self) -> list[Entry]:
        """Domains that are new or not as they were written last; those that have gone by their life alone."""
        found: list[Entry] = []
        present = set()
        for domain in self._core.domains.values():
            life = self._life(domain)
            present.add(life)
            target = None if domain.target is None else self._life(domain.target)
            limits = None if domain.limits is self._core.limits else dump.limits_state(domain.limits)
            entry = [life, domain.domid, domain.phase.value, target, domain.features, limits]
            if self._written.get(life) != entry:
                self._written[life] = entry
                found.append(entry)
        for life in [one for one in self._written if one not in present]:
            del self._written[life]
            found.append([life])
        for domain in [one for one in self._lives if one.phase is Phase.GONE]:
            del self._lives[domain]
        return found

    def _life(self, domain: Domain) -> int:
        life = self._lives.get(domain)
        if life is None:
            life = self._lives[domain] = self._next_life
            self._next_life += 1
        return life

    def _perms(self, perms: Permissions) -> list[list[int | None]]:
        return [
            [bits, domid, None if domain is None or domain.phase is Phase.GONE else self._life(domain)]
            for bits, domid, domain in perms.entries
        ]


def _line(value: dict[str, Any]) -> bytes:
    # Not as ASCII: a byte that is none would take six characters, and that is what a flood would be made of.
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8") + b"\n"


def _text(data: bytes) -> str:
    return data.decode("latin-1")
