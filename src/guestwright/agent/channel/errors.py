"""What the store says no to.

These do not descend from the base error of the other packages, which costs the guest memory and serves fronts
that it does not have.
"""

from __future__ import annotations


class StoreError(Exception):
    """The store refused a request.

    Attributes:
        errno: the name of the error as the store sent it, such as ENOENT.
        place: number of the operation of a transaction that was refused; -1 when it was none of them.
        partial: the other operations of the transaction were done; see `Session.transact`.
    """

    def __init__(self, errno: str) -> None:
        super().__init__(errno)
        self.errno = errno
        self.place = -1
        self.partial = False


class Lost(StoreError):
    """There is no connection, or it was lost before the answer came."""

    def __init__(self) -> None:
        super().__init__("LOST")
