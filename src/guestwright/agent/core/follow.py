"""Publishing layouts: the same as publishing keys, but a small change costs little.

Theory of operation: where it is known that the store holds the layout before, only parts that are other
objects are compared. That is known when all batches of a plan were done; but for keys that the store refuses,
as it does with those below `control/` on plain libxl. Until such a key is to be tried again, it is left out.
"""

from __future__ import annotations

from guestwright.agent.core import budget
from guestwright.agent.core.publish import STAMP, UPDATED, WRITE, Batch, Published, highest

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from collections.abc import Mapping

    from guestwright.agent.core.layout import Layout
    from guestwright.agent.core.publish import Op

    Held = tuple[object, Mapping[str, dict[str, bytes]]]  # shape and parts of a layout


class Following(Published):
    """What the store holds, compared with layouts; used as `Published`, but for `plan_layout`.

    Attributes:
        small: the last plan was made by comparing parts: the store has taken everything of that kind before.
    """

    def lost(self) -> None:
        """It is not known any more what the store holds."""
        super().lost()
        self._due: float | None = None  # when something refused is to be tried again
        self._held: Held | None = None  # the layout that the store is known to hold
        self._meant: Held | None = None  # the one that it will hold when all batches are done
        self._left = 0  # batches that are not done
        self._forget()

    @property
    def calm(self) -> bool:
        """Whether the next plan will very probably be a small one."""
        return self._held is not None

    def plan(self, desired: Mapping[str, bytes], now: float) -> list[Batch]:
        """See `Published.plan`."""
        self._forget()
        return super().plan(desired, now)

    def done(self, batch: Batch) -> None:
        """A batch has been committed."""
        super().done(batch)
        self._left -= 1
        if self._left == 0:
            self._settle()

    def plan_layout(self, layout: Layout, now: float) -> list[Batch]:
        """What has to be done for the store to hold a layout.

        Args:
            layout: what it shall hold.
            now: seconds of a monotonic clock.
        """
        held, due, fits = self._held, self._due, layout.fits()
        self._forget()
        if held is None or held[0] is not layout.shape or not fits or (due is not None and now >= due):
            batches = super().plan(layout.keys(), now)
        else:
            self.small = True
            self._now = now
            changes: dict[str, list[Op]] = {}
            for name, keys in layout.parts.items():
                if held[1][name] is not keys:
                    self._compare(held[1][name], keys, changes)
            batches = _joined(self._batches(changes, stamped=UPDATED in layout.parts["version"]))
        self._meant = (layout.shape, layout.parts) if fits else None
        self._left = len(batches)
        if not batches:
            self._settle()
        return batches

    def _compare(
        self, old: Mapping[str, bytes], new: Mapping[str, bytes], changes: dict[str, list[Op]]
    ) -> None:
        """Add what makes one part of a layout another one."""
        known = self._known
        gone = [path for path in old if path not in new and path in known and not self._is_refused(path)]
        if gone:
            alive = {node for path in new for node in budget.nodes(path)}
            for path in sorted(gone):
                top = highest(path, alive)
                if not self._is_refused(top):
                    self._remove(path, top, changes)
        for path, value in new.items():
            held = known.get(path)
            if held == value or path == UPDATED or self._is_refused(path):
                continue
            if held != self._steady(path, value):
                changes.setdefault(self._subject(path), []).append((WRITE, path, value))

    def _forget(self) -> None:
        """It is not known that the store holds a certain layout, nor that it will."""
        self._held = self._meant = None
        self._left = 0
        self.small = False

    def _settle(self) -> None:
        """Everything has been done that was planned."""
        steady = self._late.none() and self._full.none() and self._nodes == budget.NODES_MAX
        if steady and all(map(self._is_refused, self._foreign)):
            self._held, self._due = self._meant, self.next_retry()


def _joined(batches: list[Batch]) -> list[Batch]:
    """One change and the stamp as one batch."""
    if len(batches) != 2 or batches[1].subject != STAMP:
        return batches
    return [Batch(subject=batches[0].subject, ops=batches[0].ops + batches[1].ops)]
