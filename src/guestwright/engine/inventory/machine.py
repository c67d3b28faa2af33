"""A table of states: which event leads where. What is not in the table is not allowed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from guestwright.base.record import record
from guestwright.engine.inventory.errors import NotAllowedNow

Standing = tuple[str, ...]


@record
class Machine:
    """States of one kind of thing.

    Attributes:
        name: of the thing, for messages.
        columns: where a standing is kept: one value for each.
        initial: with which standings a thing may begin.
        moves: standing and event to the next standing.
        removable: in which standings a thing may be removed.
    """

    name: str
    columns: tuple[str, ...]
    initial: frozenset[Standing]
    moves: Mapping[tuple[Standing, StrEnum], Standing]
    removable: frozenset[Standing]

    def after(self, standing: Standing, event: StrEnum) -> Standing:
        """The standing that an event leads to.

        Raises:
            NotAllowedNow: the table has no such row.
        """
        found = self.moves.get((standing, event))
        if found is None:
            raise NotAllowedNow(
                what=self.name,
                event=event,
                standing=shown(standing),
                possible=", ".join(sorted({one for at, one in self.moves if at == standing})) or "nothing",
            )
        return found

    def begin(self, standing: Standing) -> None:
        """Raise `NotAllowedNow` unless a thing may begin like this."""
        if standing not in self.initial:
            possible = ", ".join(sorted(shown(one) for one in self.initial))
            raise NotAllowedNow(
                what=self.name, event="begin", standing=shown(standing), possible=f"begin as {possible}"
            )

    def end(self, standing: Standing) -> None:
        """Raise `NotAllowedNow` unless a thing may be removed as it is."""
        if standing not in self.removable:
            possible = ", ".join(sorted({one for at, one in self.moves if at == standing})) or "nothing"
            raise NotAllowedNow(what=self.name, event="remove", standing=shown(standing), possible=possible)

    @property
    def standings(self) -> frozenset[Standing]:
        """All that can be reached."""
        found, todo = set(self.initial), list(self.initial)
        while todo:
            at = todo.pop()
            for (start, _), end in self.moves.items():
                if start == at and end not in found:
                    found.add(end)
                    todo.append(end)
        return frozenset(found)


def shown(standing: Standing) -> str:
    """A standing for people: "illegal, leaf, wanted"."""
    return ", ".join(standing)
