"""The port to machines that run: what cannot be answered from the database.

Theory of operation: the API asks by the id of a machine; whoever implements this finds its host, asks there
and waits. Every call blocks, in a thread of the API's pool, and may come from many threads at once. Answers
are plain JSON, so that nothing of a host's client reaches the API. What a host refuses is raised as the
`GuestwrightError` that it is, with its code and HTTP status; a host that does not answer is one with HTTP
status 503 or 504, after which nobody knows whether it was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol

from guestwright.base.record import field, record
from guestwright.base.secret import Secret


class PowerAction(StrEnum):
    """What may be done with a machine's power; the words of the host's service."""

    START = "start"
    SHUTDOWN = "shutdown"
    REBOOT = "reboot"
    KILL = "kill"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    SUSPEND = "suspend"
    RESUME = "resume"


@record
class SysprepWish:
    """How to generalise a guest.

    Attributes:
        answers: contents of the answer file; kept nowhere.
        filename: of it, on the medium; "" for the host's default.
        seconds: for all of it, up to the guest's power-off.
        job: id that the host's job shall have; "" for whichever.
    """

    answers: Secret
    filename: str = ""
    job: str = ""
    seconds: float = 600.0


@record
class ExecWish:
    """What to run in a guest.

    Attributes:
        argv: program, by an absolute path, and arguments; for a service its name and arguments.
        service: whether it is a service that the guest's owner has named.
        stdin: bytes for its standard input.
        environment: more variables.
        directory: that it runs in; "" for the agent's own.
        user: who runs it; "" for whom the guest's owner chose.
        seconds: after which the guest ends it.
        output_max: bytes of output and errors together; more ends it.
    """

    argv: tuple[str, ...] = field(repr=False)
    service: bool = False
    stdin: bytes = field(default=b"", repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    directory: str = ""
    user: str = ""
    seconds: float = 60.0
    output_max: int = 1 << 20


@record
class MediumWish:
    """What to put into a drive.

    Attributes:
        storage: name of a storage domain of the machine's host.
        volume: id of a raw image there.
        change: whether it may take the place of another medium.
        force: even though the guest keeps the drive locked.
    """

    storage: str
    volume: str
    change: bool = False
    force: bool = False


class GuestPort(Protocol):
    """Live actions. Every call may raise what the module says."""

    def power(self, vm: str, action: PowerAction) -> Mapping[str, Any]:
        """Change a machine's power and wait for the hypervisor.

        Args:
            vm: id of the machine.
            action: what to do.

        Returns:
            `{"power": one of inventory.states.Power, …}`: what the machine does now.
        """

    def sysprep(self, vm: str, wish: SysprepWish) -> Mapping[str, Any]:
        """Have a guest generalised; waits only until its host has accepted that.

        Returns:
            The host's job: `{"id", "status", "percent", "text", "result", "error"}`, of which `percent`,
            `result` and `error` may be None.
        """

    def sysprep_job(self, vm: str, job: str, wait: float) -> Mapping[str, Any]:
        """How far a sysprep is.

        Args:
            vm: id of the machine.
            job: `id` of what `sysprep` answered. It comes from the caller: a job that is not this machine's
                sysprep is not found.
            wait: seconds, at most 50, to wait for its end before the answer.

        Returns:
            As of `sysprep`.
        """

    def exec(self, vm: str, wish: ExecWish) -> Mapping[str, Any]:
        """Run a program in a guest, to its end.

        Returns:
            `{"how", "status", "signal", "out", "err"}`: `out` and `err` in Base64, the others as the host's
            service says them.
        """

    def capabilities(self, vm: str) -> list[Mapping[str, Any]]:
        """What may be done with a machine now, by its host's word; no guest is asked.

        Returns:
            For each operation `{"operation", "allowed", "cause", "text", "remedy"}`; `cause` is None when it
            is allowed.
        """

    def memory(self, vm: str, target: int) -> Mapping[str, Any]:
        """Ask a guest to have so many bytes of memory from now on, whole KiB.

        Returns:
            `{"memory_actual", "memory_maximum"}`, bytes: what it has now, and could have.
        """

    def insert(self, vm: str, drive: str, wish: MediumWish) -> None:
        """Put an image into a CD or floppy drive, by the drive's target: "sda", "hdc" …."""

    def eject(self, vm: str, drive: str, *, force: bool) -> None:
        """Empty a CD or floppy drive; `force`: even though the guest keeps it locked."""

    def copy(self, vm: str, text: str) -> None:
        """Put a text into a guest's clipboard."""

    def paste(self, vm: str, wait: float) -> str:
        """The next text that comes into a guest's clipboard within so many seconds, at most 50."""

    def read_file(self, vm: str, path: str) -> bytes:
        """A file of a guest by its absolute path; at most 16 MiB."""

    def write_file(self, vm: str, path: str, data: bytes, mode: str) -> None:
        """Write a file of a guest, all or nothing; `mode` are its permissions, octal."""

    def hostname(self, vm: str, name: str) -> str:
        """Give a guest a name; what it has to say about that."""
