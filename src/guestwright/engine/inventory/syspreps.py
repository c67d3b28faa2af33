"""What is kept of a sysprep: who wanted it, which job of which host it is, how far that is, how it ended.

Theory of operation: the id of the host's job is chosen here and kept before the host is asked; so an engine
that is killed in between, and every other one, knows where to look. Nothing of the answer file is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guestwright.base.printable import printable
from guestwright.engine.inventory import states
from guestwright.engine.inventory.model import Sysprep, Vm
from guestwright.engine.inventory.states import SysprepState
from guestwright.engine.inventory.transaction import Transaction

ENDED: Final = frozenset((SysprepState.DOWN, SysprepState.FAILED))
UNKNOWN: Final = -1  # percent
_TEXT_MAX: Final = 1024
_STATES: Final = {
    "pending": SysprepState.REQUESTED,
    "running": SysprepState.RUNNING,
    "aborting": SysprepState.RUNNING,
    "done": SysprepState.DOWN,
    "failed": SysprepState.FAILED,
    "aborted": SysprepState.FAILED,
}


def begin(tx: Transaction, id_: str, vm: Vm, actor: str) -> Sysprep:
    """Keep one that is about to be asked for.

    Args:
        tx: that writes.
        id_: of it, and of the host's job.
        vm: whose guest.
        actor: name of who wants it.
    """
    made = Sysprep(id=id_, vm_id=vm.id, host=vm.host_id or "", actor=actor, job=id_, percent=UNKNOWN)
    return tx.syspreps.add(made)


def follow(tx: Transaction, id_: str, told: Mapping[str, Any]) -> Sysprep:
    """Take note of how far the host's job is.

    Args:
        tx: that writes.
        id_: of the sysprep.
        told: the host's job: `id`, `status`, `percent`, `text`, `error`.

    Returns:
        It; one that has ended stays as it is, and nothing is written when nothing is new.
    """
    row = tx.syspreps.hold(id_)
    state = _STATES.get(str(told.get("status")))
    if row.state in ENDED or state is None:
        return row
    if state is SysprepState.FAILED:
        error = told.get("error")
        problem: Mapping[str, Any] = error if isinstance(error, Mapping) else {}
        words = str(problem.get("message") or told.get("status"))
        return fail(tx, id_, str(problem.get("code") or ""), words)
    percent = told.get("percent")
    values: dict[str, Any] = {
        "job": str(told.get("id") or row.job)[:64],
        "progress": printable(str(told.get("text") or "")[:_TEXT_MAX]),
        "percent": min(100, max(0, percent)) if isinstance(percent, int) else UNKNOWN,
    }
    if state is SysprepState.DOWN:
        values |= {"ended": tx.now, "percent": 100}
    values = {name: value for name, value in values.items() if getattr(row, name) != value}
    if state is not row.state and (row.state, state) != (SysprepState.RUNNING, SysprepState.REQUESTED):
        return tx.syspreps.move(id_, states.SYSPREP, state, **values)
    return tx.syspreps.change(id_, row.version, **values) if values else row


def fail(tx: Transaction, id_: str, code: str, problem: str) -> Sysprep:
    """One has failed, or could not be begun; one that has ended stays as it is."""
    row = tx.syspreps.hold(id_)
    if row.state in ENDED:
        return row
    return tx.syspreps.move(
        id_,
        states.SYSPREP,
        SysprepState.FAILED,
        code=printable(code[:_TEXT_MAX]),
        reason=printable(problem[:_TEXT_MAX]),
        ended=tx.now,
    )
