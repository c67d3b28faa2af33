"""The port to what is recorded about templates and machines.

Theory of operation: each call is one transaction, and harmless twice for the same job. A thing that a job
makes or works on is locked by the job's id, so that nobody else changes it, and stays locked when a worker
dies: the job goes on elsewhere, and unlocks it at its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from guestwright.base.record import record
from guestwright.engine.templates.host_port import Place, Standing


@record
class DiskOf:
    """A disk of a machine or template.

    Attributes:
        disk: id.
        place: of its volume.
        size: bytes.
        format: "raw" or "qcow2".
        target: name of the drive: "vda".
    """

    disk: str
    place: Place
    size: int
    format: str
    target: str


@record
class MachineOf:
    """What a template is made from, or a machine of.

    Attributes:
        id: of the machine or the template.
        disks: in the order of its drives, the boot disk first.
        description: plain JSON: processors, memory, firmware, NICs without addresses.
        sealed: of a template: whether its disks were sealed.
    """

    id: str
    disks: tuple[DiskOf, ...]
    description: Mapping[str, Any]
    sealed: bool = False


class InventoryPort(Protocol):
    """What is recorded. May raise `TryAgain` where the database does not answer."""

    def hold_vm(self, vm: str, job: str) -> MachineOf:
        """Lock a machine that is off, for a job.

        Raises:
            MachineHeld: it runs, or another job has it.
        """

    def release_vm(self, vm: str, job: str) -> None:
        """Unlock a machine if the job holds it."""

    def add_template(
        self, template: str, name: str, job: str, source: MachineOf, disks: Sequence[DiskOf], *, seal: bool
    ) -> None:
        """Record a template, locked, with its disks, locked.

        Args:
            template: id.
            name: for people; a template of that name gets a further version.
            job: who makes it.
            source: what it is made from.
            disks: its own.
            seal: whether the disks will be sealed.
        """

    def unlock_template(self, template: str, job: str) -> None:
        """The template is ready. Refused unless all its volumes are shared, and sealed if they were to be."""

    def remove_template(self, template: str, job: str) -> None:
        """The template is gone; its volumes that are condemned stay recorded. No matter if there is none."""

    def template(self, template: str) -> MachineOf:
        """A template that is ready.

        Raises:
            TemplateNotReady: it is not.
        """

    def add_vm(
        self, vm: str, name: str, job: str, template: MachineOf, disks: Sequence[DiskOf], *, seal: bool
    ) -> None:
        """Record a machine, locked, with its disks, locked. Its name is its own among machines."""

    def unlock_vm(self, vm: str, job: str) -> None:
        """The machine is ready. Refused unless all its volumes are legal, and sealed if they were to be."""

    def remove_vm(self, vm: str, job: str) -> None:
        """The machine is gone; its volumes that are condemned stay recorded. No matter if there is none."""

    def record(self, place: Place, standing: Standing, job: str, *, sealed: bool) -> None:
        """Record how a volume stands, and whether it was sealed."""

    def condemn(self, place: Place, job: str, reason: str) -> None:
        """Record that a volume is to be removed, or could not be: illegal, and listed until it is gone."""

    def forget(self, place: Place, job: str) -> None:
        """Record that a volume is gone, condemned or not. No matter if there is none."""

    def attach_payload(self, vm: str, payload: str, job: str, *, run_once: bool) -> None:
        """Record that a machine gets a payload; gone with the machine."""

    def set_payload(self, template: str, payload: str, job: str, *, run_once: bool) -> None:
        """Record which payload machines of a template get; gone with the template."""

    def hold_leaving(self, vm: str, job: str) -> MachineOf:
        """Lock a machine that is off, to remove it; one whose removal has begun before needs no lock.

        Returns:
            It, with the disks that go with it: those that no other machine has.

        Raises:
            MachineHeld: it runs, or another job has it.
        """

    def payloads_of(self, vm: str) -> Sequence[tuple[str, bool]]:
        """The payloads of a machine, each with whether it is for the next run only."""

    def begin_removal(self, vm: str, job: str) -> None:
        """In one: a machine that the job holds is going, and its volumes are condemned. No way back."""

    def leaving(self, vm: str) -> bool:
        """Whether the removal of a machine has begun; also when it is gone."""

    def hold_disks(self, disks: Sequence[str], job: str, *, broken: bool = False) -> Sequence[DiskOf]:
        """Have disks that no machine or template has, all or none, for a job.

        Args:
            disks: ids.
            job: whose they are then.
            broken: also those that are not fit for use.

        Returns:
            Them, in this order, without targets.

        Raises:
            DiskNotFree: one cannot be had, or they are not in one storage domain.
        """

    def release_disks(self, disks: Sequence[str], job: str, *, forget: bool) -> None:
        """Let go of disks that a job has: those that are fit for use are free again.

        Args:
            disks: ids; one that a template has stays its.
            job: whose they were.
            forget: whether those whose volumes the job has removed, or was to remove, are forgotten.
        """

    def adopt_template(
        self, template: str, name: str, job: str, source: MachineOf, disks: Sequence[DiskOf], *, seal: bool
    ) -> None:
        """Record a version of a template, locked, with disks that the job has; see `add_template`."""

    def condemn_template(self, template: str, job: str) -> MachineOf:
        """In one: a template that is ready is locked by the job, and its volumes are condemned. No way back.

        One that an earlier job has condemned, and could not remove, is this job's from then on.

        Raises:
            TemplateNotReady: there is none, or it is being made.
            TemplateUsed: machines refer to it.
        """

    def condemned_template(self, template: str, job: str) -> MachineOf | None:
        """A template that this job has condemned; None when it has not, or when it is gone."""
