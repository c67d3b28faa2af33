"""The port of a hypervisor: domains, their runs, their drives and what happens to them.

Theory of operation: calls wait (some of them seconds) and may come from any thread; an event loop gives them
to its own threads. Domains are named by uuid. Domains that others made are used like our own, but never
removed. A change is made to the run, to the definition or to both, and says so (`When`). What every driver
does alike is in tests/contract/hypervisor, which runs over all of them.

Every call raises `HypervisorUnreachable` when no connection can be made, `HypervisorLost` when it broke under
the call, `HypervisorRefused` or `HypervisorCannot` for what only the hypervisor knows, and `DomainNotFound`.
"""

from __future__ import annotations

from typing import Final, Protocol

from guestwright.base.record import record
from guestwright.hypervisor.domain import Domain, DomainId, Drive, Memory
from guestwright.hypervisor.events import Listener, Subscription
from guestwright.hypervisor.spec import ChannelSpec, DomainSpec, DriveSpec, Migration, RunOnce, When
from guestwright.hypervisor.statement import Statement, Witness

DETACH_SECONDS: Final = 20.0


@record
class About:
    """Which hypervisor this is.

    Attributes:
        driver: ours: "libvirt" or "fake".
        uri: as it was opened.
        kind: "QEMU", "Xen" or "fake".
        version: of the hypervisor, "7.2.22".
        hostname: as the hypervisor knows its host.
        cpus: processors of the host, as many as guests can run on.
        memory: bytes that the host has for itself and all guests.
    """

    driver: str
    uri: str
    kind: str
    version: str
    hostname: str
    cpus: int = 0
    memory: int = 0


class Inventory(Protocol):
    """Which domains there are."""

    def about(self) -> About:
        """Which hypervisor this is."""

    def list(self) -> tuple[Domain, ...]:
        """All domains, running or not, by name."""

    def get(self, domain: DomainId) -> Domain:
        """A domain as it is now: as it runs, or as it is defined when it does not."""

    def defined(self, domain: DomainId) -> Domain:
        """A domain as its next start will find it.

        Raises:
            WrongDomainState: it has no definition, only a run.
        """

    def define(self, spec: DomainSpec) -> Domain:
        """Make a domain, off.

        Raises:
            DomainExists: uuid or name is taken.
            TargetTaken: more drives than the bus has places.
        """

    def undefine(self, domain: DomainId) -> None:
        """Remove a domain of ours, with the memory it may have on disk; its disks stay.

        Raises:
            DomainNotOwned: somebody else made it.
            WrongDomainState: it runs.
        """


class Power(Protocol):
    """Runs."""

    def start(self, domain: DomainId, once: RunOnce | None = None) -> Domain:
        """Start a domain, or resume one that is suspended.

        Args:
            domain: it must not run.
            once: what is different this time; not for a suspended domain.

        Returns:
            the domain as it runs.

        Raises:
            WrongDomainState: it runs, or is suspended and `once` was given.
            MediumNotFound: a disk or medium cannot be opened; it did not start.
            DriveNotFound: `once` names a drive that is not there.
        """

    def shut_down(self, domain: DomainId) -> None:
        """Ask the guest to power off. It may take its time, or never do it.

        Raises:
            WrongDomainState: it does not run.
        """

    def reboot(self, domain: DomainId) -> None:
        """Ask the guest to reboot. The run goes on, with its run-once changes."""

    def stop(self, domain: DomainId) -> None:
        """Pull the plug. A domain that does not run stays as it is."""

    def pause(self, domain: DomainId) -> None:
        """Stop the guest's processors. A paused domain stays paused."""

    def unpause(self, domain: DomainId) -> None:
        """Let them run again. A running domain goes on running."""

    def suspend(self, domain: DomainId) -> None:
        """Write the domain's memory to the host's disk and end the run; `start` resumes it."""

    def migrate(self, domain: DomainId, how: Migration) -> None:
        """Move a running domain, and its definition, to another host with the same paths of disks.

        Raises:
            MigrationRefused: it stays here, running.
            MigrationCancelled: likewise; `cancel_migration` was called.
        """

    def cancel_migration(self, domain: DomainId) -> bool:
        """Call the move that is under way off, whoever began it; that one's `migrate` says so.

        It may come too late: what `migrate` says counts.

        Returns:
            whether there was one to be called off.
        """


class MemoryControl(Protocol):
    """The balloon."""

    def free_memory(self) -> int:
        """Memory that no domain has, bytes: on Xen the hypervisor's, else the host's, without its caches."""

    def memory(self, domain: DomainId) -> Memory:
        """How much memory a domain has."""

    def set_memory_target(self, domain: DomainId, amount: int) -> None:
        """Ask the guest to have `amount` bytes (whole KiB) from now on, at most its maximum.

        Raises:
            BadDomainSpec: the amount.
            NoBalloon: the domain has none.
            WrongDomainState: it does not run.
        """


class Devices(Protocol):
    """Drives and channels."""

    def insert(self, domain: DomainId, target: str, medium: str, *, when: When = When.NOW) -> None:
        """Put a raw image into an empty CD or floppy drive.

        Raises:
            DriveNotFound, DriveNotRemovable: the drive.
            DriveNotEmpty: another medium is in it (the same one is fine).
            MediumNotFound: the image.
            WrongDomainState: `when` asks for a run or definition that is not there.
        """

    def change(
        self, domain: DomainId, target: str, medium: str, *, force: bool = False, when: When = When.NOW
    ) -> None:
        """Put a raw image into a CD or floppy drive, in place of what may be in it.

        Args:
            domain: whose drive.
            target: which drive.
            medium: path of the image.
            force: take the old one out even though the guest keeps the drive locked.
            when: what to change.

        Raises:
            TrayLocked: the guest keeps the old one. And all that `insert` raises but DriveNotEmpty.
        """

    def eject(
        self,
        domain: DomainId,
        target: str,
        *,
        only: str | None = None,
        force: bool = False,
        when: When = When.NOW,
    ) -> bool:
        """Empty a drive. An empty one stays empty.

        Args:
            domain: whose drive.
            target: which drive.
            only: path: leave what is in the drive if it is something else.
            force: even though the guest keeps the drive locked.
            when: what to change.

        Returns:
            whether something came out.

        Raises:
            TrayLocked: the guest keeps it. DriveNotFound, DriveNotRemovable, WrongDomainState: see `insert`.
        """

    def attach_drive(self, domain: DomainId, drive: DriveSpec, *, when: When = When.NOW) -> Drive:
        """Give a domain another drive.

        Returns:
            the drive with its name.

        Raises:
            TargetTaken: the name is in use or the bus full.
            HypervisorCannot: the bus takes no drives while the domain runs, or is not there.
        """

    def detach_drive(
        self,
        domain: DomainId,
        target: str,
        *,
        when: When = When.NOW,
        seconds: float = DETACH_SECONDS,
    ) -> None:
        """Take a drive away, with what is in it. One that is not there is fine.

        Raises:
            DetachUnanswered: the guest did not let go in time.
            HypervisorCannot: the bus lets none go while the domain runs.
        """

    def attach_channel(self, domain: DomainId, channel: ChannelSpec, *, when: When = When.NOW) -> None:
        """Give a domain a channel; this is how an adopted domain gets the agent's.

        Raises:
            ChannelExists: there is one of this name with another path (the same path is fine).
            HypervisorCannot: the run has no controller for channels, and none can be plugged in; or the
                hypervisor has no such channels (Xen: the agent uses xenstore).
        """


class Witnesses(Protocol):
    """Others than our agent who know something of a guest."""

    def statement(self, domain: DomainId, witness: Witness) -> Statement | None:
        """What one of them says of a running domain.

        An agent in the guest may keep the question for as long as it likes; ask on a thread to spare.

        Returns:
            None when nobody can say: the domain does not run, has no such agent, or one that is silent.
        """


class Hypervisor(Inventory, Power, MemoryControl, Devices, Witnesses, Protocol):
    """All of it, and events."""

    def subscribe(self, listener: Listener) -> Subscription:
        """Have `listener` told of what happens from now on, in order, until the subscription is closed."""

    def close(self) -> None:
        """Let go of the hypervisor; domains run on. May be called twice."""
