"""The port to what the service of a host does for templates and machines.

Theory of operation: every order names the job, its epoch and a request. A host does the same request once,
however often it is sent, and refuses an order whose epoch is lower than one that it has seen for the job:
what a worker orders that has lost the job, and does not know it yet, has no effect. An order to undo has what
the job ordered there before given up first, and no order of the same epoch that does not undo comes after it.
Whoever implements this raises `TryAgain` where the host does not answer, `DurableJobTaken` where the epoch is
too low, and any other `GuestwrightError` where it refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

from guestwright.base.record import record


class Standing(StrEnum):
    """What may be done with a volume.

    Attributes:
        ILLEGAL: nothing but to seal or to delete it.
        LEGAL: one machine may use it.
        SHARED: legal, and many may stand on it; it never changes again.
    """

    ILLEGAL = "illegal"
    LEGAL = "legal"
    SHARED = "shared"


@record
class Order:
    """Who orders, see above.

    Attributes:
        job: id.
        epoch: of the job.
        request: id of what is ordered; at most 120 characters.
        undo: whether the job undoes what it did.
    """

    job: str
    epoch: int
    request: str
    undo: bool = False


@record
class Place:
    """Where a volume is: the host that serves it, its storage domain there, and its id."""

    host: str
    domain: str
    volume: str


Told = Callable[[int, int], object]
"""Told units done and in all while a long order runs; may raise to have it given up."""


class HostPort(Protocol):
    """What hosts do. Every call blocks until it is done, durably."""

    def copy(self, order: Order, source: Place, target: Place, standing: Standing, told: Told) -> None:
        """Copy a volume whole. Until it is whole it is locked; then it stands as said, at once.

        Args:
            order: who orders.
            source: what to copy; nobody writes to it meanwhile.
            target: a new volume, on the same host.
            standing: of the copy. `ILLEGAL` where it must be sealed: so it never is legal and unsealed.
            told: progress.
        """

    def layer(self, order: Order, base: Place, target: Place, standing: Standing) -> None:
        """Make a thin volume on a shared one."""

    def mark(self, order: Order, volume: Place, standing: Standing) -> None:
        """Change how a volume stands; nothing happens if it does already, or to make illegal what is gone.

        What was copied or layered as `ILLEGAL` becomes legal or shared only after it was sealed.
        """

    def seal(self, order: Order, volumes: Sequence[Place], told: Told) -> Mapping[str, Any]:
        """Seal the volumes of one machine together, all or none. They are illegal, and stay so until marked.

        Returns:
            Plain JSON: what was done, in short.
        """

    def checksum(self, order: Order, volume: Place, told: Told) -> str:
        """The SHA-256 of a volume's file, as it is; it is legal, and nobody writes to it."""

    def delete(self, order: Order, volume: Place) -> None:
        """Delete a volume, also one that is half made; nothing happens if there is none."""

    def define(self, order: Order, host: str, vm: str, description: Mapping[str, Any]) -> None:
        """Make a machine known to the hypervisor, off.

        Args:
            order: who orders.
            host: where.
            vm: id of the machine, the domain's uuid.
            description: `name`, `vcpus`, `memory` (bytes), `os_family`, `firmware`, `machine`; `nics`, each
                with `network`, `bridge`, `model`; and `disks`, each with `domain`, `volume`, `target`.
        """

    def undefine(self, order: Order, host: str, vm: str) -> None:
        """Make it unknown again; nothing happens if it is. Its volumes stay."""

    def give_payload(self, order: Order, host: str, vm: str, payload: str, *, run_once: bool) -> None:
        """Have a machine that is defined find a payload in a drive when it starts.

        Args:
            order: who orders.
            host: where the machine is.
            vm: id of the machine.
            payload: id of the payload; its contents come from the engine, never through a job.
            run_once: at the next start only.
        """

    def take_payload(self, order: Order, host: str, vm: str, payload: str, *, run_once: bool) -> None:
        """Take a payload away again; nothing happens if there is none, or no such machine."""
