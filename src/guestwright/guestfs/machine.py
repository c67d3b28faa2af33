"""The disks of one machine, opened together: the port that sealing works through.

A `Machine` pairs the files of the guest (`fs`) with the transaction around them: everything that is changed
through `fs` collects in overlays; `check` judges the result as it would be; `commit` makes it real, all or
nothing; `close` without `commit` leaves every image as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from guestwright.base.progress import Progress
from guestwright.base.record import record
from guestwright.guestfs.port import Filesystem, GuestFS


@record
class ImageFacts:
    """One image of the machine, as reports and saved plans name it.

    Attributes:
        path: as the user gave it.
        format: "raw", "qcow2", ….
        size: virtual size in bytes.
        fingerprint: changes whenever the image was written to since (identity of the file and hashes of the
            superblocks); compares equal on the same untouched image.
    """

    path: str
    format: str
    size: int
    fingerprint: Mapping[str, str]


@record
class FilesystemCheck:
    """Verdict of the file system's own checker over what would be committed.

    Attributes:
        filesystem: `Filesystem.id`.
        tool: what judged ("e2fsck -fn").
        clean: whether it found nothing.
        output: what it said, bounded and printable; empty when clean.
        seconds: how long it took.
    """

    filesystem: str
    tool: str
    clean: bool
    output: str
    seconds: float


class Effects(Protocol):
    """What can be done to a machine besides changing files."""

    def set_uuid(self, filesystem: Filesystem, uuid: str) -> None:
        """Give a filesystem or swap area another UUID."""

    def renew_lvm_uuids(self) -> None:
        """New random UUIDs for all LVM physical volumes and volume groups."""

    def run_script(self, command: str, directory: str) -> None:
        """Run a host command with the guest's files mounted as its working directory."""


Work = Callable[[GuestFS, Effects, Progress], Any]
"""What `Machine.run` takes: looks at the files and changes them; returns plain JSON values."""


class Machine(Effects, Protocol):
    """A guest's disks under one transaction."""

    @property
    def driver(self) -> str:
        """Its name: "ext", "appliance" or "memory"."""

    @property
    def fs(self) -> GuestFS:
        """The guest's files."""

    @property
    def images(self) -> Sequence[ImageFacts]:
        """The images, in the order given."""

    @property
    def notes(self) -> Sequence[str]:
        """What opening could not do or did besides ("journal of disk0/p1 was replayed")."""

    def run(self, work: Work, progress: Progress) -> Any:
        """Do `work` where the guest's files are: in the confined process, where the driver has one.

        There it is one call instead of hundreds. So `work` finds no host file there (everything it needs must
        be imported and read before), and what it does to this process's memory may be lost: all it has to
        tell is in what it returns, which comes from where the guest's data is parsed, and is to be checked.

        Args:
            work: see `Work`; called once, before anything was mounted.
            progress: told what `work` tells, not necessarily every step.

        Returns:
            What `work` returned.

        Raises:
            GuestwrightError: what `work` raised.
            DriverFailed: the process died, hung or answered nonsense.
        """

    def check(self) -> Sequence[FilesystemCheck]:
        """Sync, then judge every filesystem that was changed."""

    def commit(self) -> int:
        """Make the changes real, all or nothing.

        Returns:
            Bytes written to the images.
        """

    def close(self) -> None:
        """Give everything up; what was not committed is gone."""
