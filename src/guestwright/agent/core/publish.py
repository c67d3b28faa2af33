"""What the store holds, as far as the agent knows, and what has to be written next.

Theory of operation: `plan` compares the wanted keys with the known ones and returns the difference, cut into
one batch per subject. What a store holds from before is not known; therefore the first batch of each group,
after the start and after a lost connection, removes the group's directories and writes them anew in one
transaction: a reader sees the old or the new, never neither.

A store may refuse anything at any time. What it refuses is left out for a while, longer each time, and is
news once. EACCES concerns a whole directory where it cannot be otherwise (plain libxl: `control/`); ENOSPC
and the like are taken as a smaller budget of nodes. So `plan` always comes to an end: each refusal leaves
less to do until time goes by.

Order: what makes room comes first; then what xenopsd does not watch; last what it watches, so that its look
at everything finds the new state. Where only unwatched keys changed, a last batch touches a watched one and
then counts `data/updated` up.
"""

from __future__ import annotations

from guestwright.agent.core import budget, schema
from guestwright.agent.core.pauses import Pauses
from guestwright.base.record import record

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Op = tuple[str, str, bytes]

WRITE = "write"
REMOVE = "rm"
UPDATED = "data/updated"
TOUCHED = "attr/PVAddons/Installed"
STAMP = "stamp"
FULL = frozenset(("ENOSPC", "E2BIG", "ENOMEM", "EQUOTA"))
NODES_MIN = 24  # version and features
UNSURE = b"\0unsure"  # held instead of a value where it is not known whether that was written
REFUSED_FIRST, REFUSED_LAST = 60.0, 3600.0  # seconds until a refused key is tried again
LATE_FIRST, LATE_LAST = 1.0, 60.0  # the same for a batch that could not be committed


@record
class Batch:
    """Changes that belong together: one transaction, where the channel has those.

    Attributes:
        subject: what they are about ("nic:vif-0").
        ops: (`WRITE`, path, value) or (`REMOVE`, path, b""), in order; paths are relative. A REMOVE takes the
            whole subtree, and ENOENT is no error for it.
    """

    subject: str
    ops: tuple[Op, ...]


class Published:
    """The known state of the store.

    Usage: `plan()` whenever facts changed; do its batches in order, each in a transaction, and report each by
    `done`, `refused` (the store said no to one operation: end the transaction without commit) or `postponed`
    (it went wrong in another way). After `refused` or `postponed` drop the rest and ask `plan` again.
    """

    def __init__(self) -> None:
        self._stamps = 0
        self.lost()

    def lost(self) -> None:
        """The connection, or the trust in what the store holds, is lost: everything is written again."""
        self._known: dict[str, bytes] = {}
        self._foreign = {
            root for roots in _GROUPS.values() for root in roots
        }  # may hold what we did not write
        self._refused = Pauses(REFUSED_FIRST, REFUSED_LAST)
        self._late = Pauses(LATE_FIRST, LATE_LAST)
        self._full = Pauses(REFUSED_FIRST, REFUSED_LAST)
        self._nodes = budget.NODES_MAX
        self._first = True  # no stamp yet
        self._unannounced = False  # something changed that no reader was told of
        self._now = 0.0

    def plan(self, desired: Mapping[str, bytes], now: float) -> list[Batch]:
        """What has to be done for the store to hold `desired`; nothing when it does.

        Args:
            desired: of `layout.desired`.
            now: seconds of a monotonic clock.
        """
        self._now = now
        self._grow()
        wanted = self._wanted({path: value for path, value in desired.items() if path != UPDATED})
        changes: dict[str, list[Op]] = {}
        for path, top in self._removals(wanted).items():
            self._remove(path, top, changes)
        for group, roots in _GROUPS.items():
            ops = [(REMOVE, root, b"") for root in roots if self._is_strange(root, wanted)]
            changes.setdefault(group, []).extend(ops)
        for path, value in wanted.items():
            if self._known.get(path) != value:
                changes.setdefault(self._subject(path), []).append((WRITE, path, value))
        return self._batches(changes, stamped=UPDATED in desired)

    def _remove(self, path: str, highest: str, changes: dict[str, list[Op]]) -> None:
        ops = changes.setdefault(self._subject(path), [])
        if (REMOVE, highest, b"") not in ops:
            ops.append((REMOVE, highest, b""))

    def _batches(self, changes: Mapping[str, list[Op]], *, stamped: bool) -> list[Batch]:
        """Changes by subject as batches, in their order."""
        batches = [
            Batch(subject=subject, ops=tuple(ops))
            for subject, ops in changes.items()
            if ops and not self._late.holds(subject, self._now)
        ]
        batches.sort(key=_order)
        if stamped:
            batches.extend(self._stamp(batches))
        return batches

    def done(self, batch: Batch) -> None:
        """A batch has been committed."""
        self._late.end(batch.subject)
        self._unannounced = _after(batch, unannounced=self._unannounced)
        for verb, path, value in batch.ops:
            self._foreign.discard(path)
            self._refused.end(path)
            self._refused.end(_shared(path))
            if verb == REMOVE:
                below = path + "/"
                for one in [one for one in self._known if one == path or one.startswith(below)]:
                    del self._known[one]
            elif path == UPDATED:
                self._stamps += 1
                self._first = False
            else:
                self._known[path] = value

    def unsure(self, batch: Batch) -> None:
        """Parts of a batch were done, nobody knows which: all of it is written, or removed, again."""
        for verb, path, _ in batch.ops:
            if verb == WRITE and path != UPDATED:
                self._known[path] = UNSURE

    def refused(self, batch: Batch, path: str, errno: str, now: float) -> bool:
        """The store refused one operation of a batch.

        Args:
            batch: of `plan`.
            path: of the operation.
            errno: name of the error ("EACCES", "ENOSPC").
            now: seconds of a monotonic clock.

        Returns:
            Whether this is news, worth a line in the log.
        """
        adds = any(verb == WRITE and one == path for verb, one, _ in batch.ops)
        if errno in FULL and adds and self._nodes > NODES_MIN:
            return self._shrink(batch, now)
        return self._refused.begin(_shared(path) if errno == "EACCES" else path, now)

    def postponed(self, batch: Batch, now: float, errno: str = "EAGAIN") -> bool:
        """A batch could not be committed; it is planned again, not before a while.

        Args:
            batch: of `plan`.
            now: seconds of a monotonic clock.
            errno: of the commit: EAGAIN, too often; a store may notice only now that there is no room.

        Returns:
            Whether this is news, worth a line in the log.
        """
        adds = any(verb == WRITE for verb, _, _ in batch.ops)
        if errno in FULL and adds and self._nodes > NODES_MIN:
            return self._shrink(batch, now)
        return self._late.begin(batch.subject, now) and errno != "EAGAIN"

    def _shrink(self, batch: Batch, now: float) -> bool:
        """Make do with fewer nodes than there would be with this batch."""
        written = {one for verb, one, _ in batch.ops if verb == WRITE}
        held = budget.count(dict.fromkeys([*self._known, *written], b""))
        self._nodes = max(NODES_MIN, min(self._nodes, held) * 3 // 4)
        return self._full.begin("nodes", now)

    def next_retry(self) -> float | None:
        """When `plan` should be asked again although nothing changed; None: never.

        It lies after the time of the last `plan`.
        """
        found = [pauses.next(self._now) for pauses in (self._refused, self._late, self._full)]
        return min((one for one in found if one is not None), default=None)

    def farewell(self) -> list[Batch]:
        """The last batches: remove what would be untrue once the agent has gone."""
        gone: dict[str, None] = {}
        for path in self._known:
            row = _row(path)
            if row is None or not row.lasting:
                gone[path if row is None else row.root] = None
        return [Batch(subject="farewell", ops=tuple((REMOVE, path, b"") for path in gone))] if gone else []

    def _grow(self) -> None:
        """Try more nodes again, some time after there were too many."""
        if self._nodes < budget.NODES_MAX and not self._full.holds("nodes", self._now):
            self._nodes = min(self._nodes * 3 // 2, budget.NODES_MAX)
            if self._nodes < budget.NODES_MAX:
                self._full.hold("nodes", self._now)

    def _wanted(self, desired: dict[str, bytes]) -> dict[str, bytes]:
        """The keys to hold at present: as many as fit, not refused, with the old value where that is near."""
        if self._nodes < budget.NODES_MAX:
            desired = budget.fit(desired, self._nodes)
        return {
            path: self._steady(path, value) for path, value in desired.items() if not self._is_refused(path)
        }

    def _steady(self, path: str, value: bytes) -> bytes:
        """The known value, if the new one differs too little to be written."""
        known, row = self._known.get(path), _row(path)
        if known is None or row is None or not row.slack or not (known.isdigit() and value.isdigit()):
            return value
        return known if abs(int(value) - int(known)) < max(row.slack, int(known) // 100) else value

    def _is_refused(self, path: str) -> bool:
        if not self._refused.any(self._now):
            return False  # as nearly always
        return self._refused.holds(path, self._now) or self._refused.holds(_shared(path), self._now)

    def _subject(self, path: str) -> str:
        """What the change of a key belongs to: its group as long as that has to be replaced as a whole."""
        found = schema.find(path)
        if found is None:
            return "other"
        row, varying = found
        return row.group if row.root in self._foreign else row.subject_of(varying)

    def _removals(self, wanted: Mapping[str, bytes]) -> dict[str, str]:
        """Known keys that have to go, each with the highest directory in which nothing stays."""
        gone = {one for one in self._known if one not in wanted and not self._is_refused(one)}
        if not gone:
            return {}
        kept = [*wanted, *(one for one in self._known if one not in gone)]
        alive = {node for path in kept for node in budget.nodes(path)}
        found = {path: highest(path, alive) for path in sorted(gone)}
        return {
            path: highest for path, highest in found.items() if not self._refused.holds(highest, self._now)
        }

    def _is_strange(self, root: str, wanted: Mapping[str, bytes]) -> bool:
        """Whether something that we did not write may stand there, and is not about to be replaced."""
        return root in self._foreign and root not in wanted and not self._is_refused(root)

    def _stamp(self, batches: list[Batch]) -> Iterator[Batch]:
        """The batch that tells readers about the others, where they would not notice."""
        unannounced = self._unannounced
        for batch in batches:
            unannounced = _after(batch, unannounced=unannounced)
        if not (unannounced or self._first) or self._late.holds(STAMP, self._now):
            return
        ops: list[Op] = []
        touched = self._known.get(TOUCHED, UNSURE)
        if unannounced and touched != UNSURE and not self._is_refused(TOUCHED):
            ops.append((WRITE, TOUCHED, touched))
        if not self._is_refused(UPDATED):
            ops.append((WRITE, UPDATED, b"%d" % (self._stamps + 1)))
        if ops:
            yield Batch(subject=STAMP, ops=tuple(ops))


def _row(path: str) -> schema.Row | None:
    found = schema.find(path)
    return found[0] if found else None


def _shared(path: str) -> str:
    """What is refused together with a path when the store says EACCES."""
    row = _row(path)
    return path if row is None else row.shared or row.root


def highest(path: str, alive: set[str]) -> str:
    """The highest directory of ours with this key and nothing that stays."""
    row = _row(path)
    if row is not None and row.root != row.path:
        while True:
            above = path.rpartition("/")[0]
            if above == row.root or above in alive:
                break
            path = above
    return path


def _after(batch: Batch, *, unannounced: bool) -> bool:
    """Whether, after a batch, something has changed of which readers were not told."""
    if batch.subject == STAMP or any(path.startswith(schema.WATCHED) for _, path, _ in batch.ops):
        return False
    rows = [_row(path) for _, path, _ in batch.ops]
    return unannounced or any(row is None or not row.quiet for row in rows)


def _order(batch: Batch) -> tuple[bool, bool]:
    """First what makes room, last what is watched."""
    return (
        any(verb == WRITE for verb, _, _ in batch.ops),
        any(path.startswith(schema.WATCHED) for _, path, _ in batch.ops),
    )


def _groups() -> dict[str, tuple[str, ...]]:
    """For each group, what to remove of it when the store may hold anything; nothing that a kernel writes."""
    found: dict[str, dict[str, None]] = {}
    for row in schema.ROWS:
        if row.group != STAMP and row.path not in schema.KERNEL_KEYS:
            found.setdefault(row.group, {})[row.root] = None
    return {group: tuple(roots) for group, roots in found.items()}


_GROUPS = _groups()
