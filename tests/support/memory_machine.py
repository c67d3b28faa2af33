"""A machine in memory: the `Machine` port over the memory driver, recording what was asked of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guestwright.base.progress import Progress
from guestwright.guestfs.drivers.memory import Content, Link, memory_guest
from guestwright.guestfs.machine import FilesystemCheck, ImageFacts, Work
from guestwright.guestfs.port import Filesystem, GuestFS

DEBIAN: Mapping[str, Content] = {
    "/bin": Link("usr/bin"),
    "/usr/bin/": None,
    "/usr/lib/systemd/systemd": "",
    "/sbin/init": Link("/usr/lib/systemd/systemd"),
    "/etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "/etc/hostname": "web1\n",
    "/etc/hosts": "127.0.0.1 localhost\n",
    "/etc/fstab": "",
}


@dataclass
class MemoryMachine:
    """A `Machine` whose disks are dictionaries."""

    fs: GuestFS
    driver: str = "memory"
    images: Sequence[ImageFacts] = (
        ImageFacts(path="web1.img", format="raw", size=1 << 30, fingerprint={"inode": "1"}),
    )
    notes: Sequence[str] = ()
    verdicts: Sequence[FilesystemCheck] = ()
    calls: list[str] = field(default_factory=list)

    def run(self, work: Work, progress: Progress) -> Any:
        return json.loads(json.dumps(work(self.fs, self, progress)))  # as from another process

    def set_uuid(self, filesystem: Filesystem, uuid: str) -> None:
        self.calls.append(f"set_uuid {filesystem.id} {uuid}")

    def renew_lvm_uuids(self) -> None:
        self.calls.append("renew_lvm_uuids")

    def run_script(self, command: str, directory: str) -> None:
        self.calls.append(f"run_script {command} {directory}")

    def check(self) -> Sequence[FilesystemCheck]:
        self.calls.append("check")
        return self.verdicts

    def commit(self) -> int:
        self.calls.append("commit")
        return 4096

    def close(self) -> None:
        self.calls.append("close")


def debian_machine(files: Mapping[str, Content] | None = None) -> MemoryMachine:
    """A small Debian guest with more files, nothing mounted yet."""
    fs = memory_guest({**DEBIAN, **(files or {})})
    fs.unmount_all()
    return MemoryMachine(fs=fs)
