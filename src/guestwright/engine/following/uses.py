"""How far the payloads of a host's domains are, as states of what the engine attached."""

from __future__ import annotations

from typing import Final

from guestwright.engine.following.tally import Tally
from guestwright.engine.inventory import states
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.states import PayloadEvent, PayloadState

_EVENTS: Final = {
    PayloadState.DEFINED: PayloadEvent.RUN_OVER,
    PayloadState.ATTACHED: PayloadEvent.ATTACHED,
    PayloadState.SEEN: PayloadEvent.SEEN,
    PayloadState.CONSUMED: PayloadEvent.CONSUMED,
    PayloadState.SCRUBBED: PayloadEvent.SCRUBBED,
    PayloadState.FAILED: PayloadEvent.FAILED,
}


class Uses:
    """Records them.

    Args:
        database: the inventory.
        tally: counts what was refused.
    """

    def __init__(self, database: Database, tally: Tally) -> None:
        self._database = database
        self._tally = tally

    def changed(self, vm: str, persistence: str, state: str) -> None:
        """A payload of a machine is in another state.

        Args:
            vm: id of the machine.
            persistence: "permanent" or "run-once": it has at most one of each.
            state: by the host's word.
        """
        if state not in set(PayloadState):
            self._tally.refused("payload", f"there is no state {state[:40]}")
            return
        wanted = PayloadState(state)
        own = (Filter("vm_id", Op.IS, vm), Filter("persistence", Op.IS, persistence))
        with self._tally.taking("payload"), self._database.write() as tx:
            for use in tx.payload_uses.all(*own, most=1):
                if use.state is not wanted:
                    tx.payload_uses.move(use.id, states.PAYLOAD, _EVENTS[wanted])
