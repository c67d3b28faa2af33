"""One appliance for the whole contract suite: starting one takes some twenty seconds where KVM is missing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from guestwright.base.progress import silent
from guestwright.guestfs.drivers.appliance import bindings
from guestwright.guestfs.drivers.appliance.driver import ApplianceGuestFS
from guestwright.guestfs.drivers.appliance.overlay import ApplianceDisk
from guestwright.guestfs.drivers.appliance.session import Session
from guestwright.guestfs.drivers.appliance.table import Found
from guestwright.guestfs.port import GuestFS
from tests.support.guestfs_drivers import Spec, ext_devices, prepare

PARTITIONS = 4
SLOT = 16 << 20
LAB_CALLS = {
    "upload": ("v", "ss"),
    "rmmountpoint": ("v", "s"),
}


@pytest.fixture(scope="session", autouse=True)
def emulation() -> Iterator[None]:
    """No KVM: here it opens and then does not run a kernel. Whoever asks for it by environment gets it."""
    with pytest.MonkeyPatch.context() as patch:
        if "LIBGUESTFS_BACKEND_SETTINGS" not in os.environ:
            patch.setenv("LIBGUESTFS_BACKEND_SETTINGS", "force_tcg")
        if "LIBGUESTFS_BACKEND" not in os.environ:
            patch.setenv("LIBGUESTFS_BACKEND", "direct")
        yield


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A running appliance with one disk of `PARTITIONS` partitions of `SLOT` bytes."""
    image = tmp_path_factory.mktemp("appliance") / "disk.img"
    with image.open("wb") as file:
        file.truncate(SLOT * (PARTITIONS + 1))
    slots = [f"size={SLOT // 1024}KiB, name=t{number}" for number in range(1, PARTITIONS + 1)]
    table = "\n".join(["label: gpt", *slots, ""])
    subprocess.run(["/sbin/sfdisk", "-q", str(image)], input=table, text=True, check=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, shape in LAB_CALLS.items():
            patch.setitem(bindings.CALLS, name, shape)
        running = Session([ApplianceDisk(path=str(image), format="raw")], known={}, progress=silent)
        yield running
        running.close()


def one_guest(session: Session, work: Path, spec: Spec, stack: ExitStack) -> GuestFS:
    """Fresh ext4 filesystems in the running appliance; e2fsck judges them afterwards."""
    pairs = ext_devices(work, spec)
    session.found = {}
    for number, (filesystem, _) in enumerate(pairs, 1):
        device = f"/dev/sda{number}"
        session.raw.run("upload", str(work / f"image{number}"), device)
        session.found[filesystem.id] = Found(filesystem=filesystem, device=device)
    for other in spec.other:
        session.found[other.id] = Found(filesystem=other, device="")

    def judge() -> None:
        tops = list(session._tops.values())
        session.suspend()
        session._suspended = False
        session._tops.clear()
        for top in tops:
            session.raw.run("rmmountpoint", top)
        for number in range(1, len(pairs) + 1):
            said = session.raw.text(
                "debug", "sh", [f"e2fsck -fn /dev/disk/by-partlabel/t{number} 2>&1; echo $?"]
            )
            assert said.split()[-1] == "0", said

    stack.callback(judge)
    guest = ApplianceGuestFS(session)
    prepare(guest, pairs, spec)
    return guest


@pytest.fixture
def guest(session: Session, tmp_path: Path) -> Iterator[Callable[..., GuestFS]]:
    """As the contract suite's own fixture, over the appliance. One guest at a time."""
    with ExitStack() as stack:
        count = 0

        def make(files: Any, **more: Any) -> GuestFS:
            nonlocal count
            if count:
                stack.pop_all().close()
            count += 1
            work = tmp_path / str(count)
            work.mkdir()
            return one_guest(session, work, Spec(files=files, **more), stack)

        yield make
