"""What hosts say of guests, on its way to `Gathering`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from guestwright.engine.following.said import Agent, Guest, moment
from guestwright.engine.following.tally import Tally
from guestwright.engine.inventory.choices import AgentState
from guestwright.engine.inventory.errors import BadFact
from guestwright.engine.inventory.facts import AgentUpdate, Update, check
from guestwright.engine.inventory.gathering import Gathering

Put = Sequence[Update | AgentUpdate]


class Guests:
    """Passes on what one host says.

    Args:
        gathering: stores it.
        tally: counts what was done and refused.
        clock: seconds since 1970.
    """

    def __init__(self, gathering: Gathering, tally: Tally, clock: Callable[[], float]) -> None:
        self._gathering = gathering
        self._tally = tally
        self._clock = clock

    def whole(self, guest: Guest) -> None:
        """Everything that is known of a guest. A fact is told as it was first seen, then as it was last."""
        now = self._clock()
        updates: list[Update | AgentUpdate] = []
        for name, fact in guest.facts.items():
            seen = moment(fact.seen, now)
            for at in sorted({min(moment(fact.since, now), seen), seen}):
                updates += self._fact(guest.uuid, name, fact.value, fact.source, at)
        updates.append(self._agent(guest.uuid, guest.agent, now))
        self._put(updates)

    def changes(self, uuid: str, changes: dict[str, Any], source: str, at: float) -> None:
        """Some facts of a guest have changed, at a time in seconds since 1970."""
        at = moment(at, self._clock())
        updates: list[Update | AgentUpdate] = []
        for name, value in changes.items():
            updates += self._fact(uuid, name, value, source, at)
        self._put(updates)

    def agent(self, uuid: str, state: AgentState, reason: str, at: float) -> None:
        """A guest's agent is in another state, since a time in seconds since 1970."""
        at = moment(at, self._clock())
        self._put([AgentUpdate(vm=uuid, state=state, at=at, reason=reason)])

    def _agent(self, uuid: str, agent: Agent, now: float) -> AgentUpdate:
        at = now if agent.last is None else moment(agent.last, now)
        return AgentUpdate(vm=uuid, state=agent.state, at=at, reason=agent.reason)

    def _fact(self, uuid: str, name: str, value: Any, source: str, at: float) -> list[Update]:
        one = Update(vm=uuid, name=name, value=value, source=source, at=at)
        try:
            check(one)
        except BadFact as error:
            self._tally.refused("fact", error)
            return []
        return [one]

    def _put(self, updates: Put) -> None:
        if updates and self._gathering.put(updates):
            self._tally.count("facts", len(updates))
        elif updates:
            self._tally.refused("fact", "the database takes no more")
