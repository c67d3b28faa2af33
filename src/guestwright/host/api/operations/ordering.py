"""Who orders, where a request is the order of somebody's job: members of bodies and queries that say so."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Annotated, Final, Protocol

import msgspec

from guestwright.host.jobs.errors import OrderTooLate, OrderWaits
from guestwright.host.jobs.orders import Order

ORDER_ERRORS: Final = (OrderTooLate, OrderWaits)
_Name = Annotated[str, msgspec.Meta(max_length=64)]
_Epoch = Annotated[int, msgspec.Meta(ge=0, le=(1 << 53) - 1)]


class OrderBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Whose order it is.

    Attributes:
        job: id of the job, elsewhere, for which it is ordered.
        epoch: how often that was taken up; a lower one than was seen for the job is refused.
        undo: whether it undoes what was ordered before; that is given up first, and never ordered again.
    """

    job: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    epoch: _Epoch
    undo: bool = False


class OrderQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Whose order it is.

    Attributes:
        job: id of the job, elsewhere, for which it is ordered; "" for nobody's.
        epoch: how often that was taken up; a lower one than was seen for the job is refused.
        undo: whether it undoes what was ordered before; that is given up first, and never ordered again.
    """

    job: _Name = ""
    epoch: _Epoch = 0
    undo: bool = False


class Ordered(Protocol):
    """What knows whose orders are too late: `host.jobs.jobs.Jobs`."""

    def ordered(self, order: Order, /) -> AbstractContextManager[None]:
        """See there."""


class _Said(Protocol):
    """What says whose order a request is."""

    @property
    def job(self) -> str:
        """Id; "" for nobody's."""

    @property
    def epoch(self) -> int:
        """Of the job."""

    @property
    def undo(self) -> bool:
        """Whether it undoes."""


def order_of(said: _Said | None) -> Order | None:
    """The order that a request is, if it is one."""
    if said is None or not said.job:
        return None
    return Order(job=said.job, epoch=said.epoch, undo=said.undo)


def during(jobs: Ordered, said: _Said) -> AbstractContextManager[None]:
    """The time in which a request may be done; see `Jobs.ordered`."""
    order = order_of(said)
    return nullcontext() if order is None else jobs.ordered(order)
