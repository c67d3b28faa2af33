"""Sysprep over the hypervisor port, with our real agent in the guest."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from guestwright.base.progress import Step
from guestwright.host.acting.drive import HypervisorDrive
from guestwright.host.acting.sysprep import SysprepRun, sweep_sysprep
from guestwright.host.errors import AnswersTooBig, SysprepFailed, SysprepRefused
from guestwright.host.media.model import Persistence, State
from guestwright.host.media.payloads import Payloads
from guestwright.host.media.shelf import Shelf
from guestwright.host.media.vault import Vault
from guestwright.host.sysprep.model import Limits
from guestwright.hypervisor.domain import Bus, Device, OsFamily
from guestwright.hypervisor.errors import NoPlacement
from guestwright.hypervisor.events import Reason
from guestwright.hypervisor.spec import DriveSpec
from tests.support.acting_host import DOMID, ActingHost, acting_host, kernel_tells
from tests.support.agent_process import HOME, eventually, made
from tests.support.payload_bench import plain
from tests.support.tools import needs

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not kernel_tells() and "CI" not in os.environ, reason="the kernel tells of no device"),
    needs("sh"),
]
CANARY = b"CANARY-sysprep-81c3fa02b6d7"
LIMITS = Limits(deadline=60, seen=30, unseen=1, answer=30)


def command(tmp_path: Path, text: str) -> str:
    script = made(tmp_path / "script", f"#!/bin/sh\n{text}\n")
    return f'[sysprep]\ncommand = ["{script}"]\n'


def nothing_left(host: ActingHost) -> bool:
    return os.listdir(host.media) == [] and host.get("control/sysprep/action") is None


def test_from_the_request_to_the_end_of_the_domain(tmp_path: Path) -> None:
    config = command(tmp_path, f'cp "$1" {tmp_path}/root/answers')
    steps: list[Step] = []
    with acting_host(tmp_path, config) as host:
        host.power_off_with_guest()
        run = SysprepRun(host.sysprep(), host.request(CANARY, limits=LIMITS), progress=steps.append)
        run.run()
        assert (host.root / "answers").read_bytes() == CANARY
        assert os.listdir(host.media) == []
        assert not host.hypervisor.get(host.domain).active
        assert all(
            one.medium == "" for one in host.hypervisor.get(host.domain).drives if one.device is Device.CD
        )
    assert [one.name for one in steps][-1] == "domain-down"
    assert any("hdc is an empty cd drive" in one.text for one in steps)
    assert not any(CANARY.decode() in one.text for one in steps)


def test_a_full_drive_means_a_plugged_one_that_goes_again(tmp_path: Path) -> None:
    cd = tmp_path / "other.iso"
    cd.write_bytes(bytes(4096))
    config = command(tmp_path, f'cp "$1" {tmp_path}/root/answers')
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(512))
    drives = (
        DriveSpec(device=Device.DISK, bus=Bus.IDE, medium=str(disk)),
        DriveSpec(device=Device.CD, bus=Bus.IDE, target="hdc", medium=str(cd)),
    )
    steps: list[Step] = []
    with acting_host(tmp_path, config, drives=drives, os=OsFamily.LINUX) as host:
        host.power_off_with_guest()
        SysprepRun(host.sysprep(), host.request(CANARY, limits=LIMITS), progress=steps.append).run()
        targets = [one.target for one in host.hypervisor.get(host.domain).drives]
        assert targets == ["hda", "hdc"]
        assert (host.root / "answers").read_bytes() == CANARY
    assert any("plugged in as" in one.text for one in steps)


def test_the_payloads_drive_is_lent_and_given_back(tmp_path: Path) -> None:
    config = command(tmp_path, "exit 3")
    with acting_host(tmp_path, config, drives=()) as host:
        host.hypervisor.stop(host.domain)
        payloads = Payloads(
            host.hypervisor,
            Vault(str(tmp_path / "vault"), bytes(32)),
            Shelf(os.path.join(host.media, "payloads")),
            clock=lambda: 0.0,
            randomness=bytes,
        )
        payloads.define(host.domain, plain(), Persistence.PERMANENT)
        payloads.start(host.domain)
        with pytest.raises(SysprepFailed, match="ended with status 3"):
            SysprepRun(host.sysprep(lender=payloads), host.request(CANARY, limits=LIMITS)).run()
        (entry,) = payloads.of(host.domain)
        assert entry.state is State.ATTACHED
        assert len(os.listdir(payloads.shelf.directory)) == 1
        assert os.listdir(host.media) == ["payloads"]


@pytest.mark.parametrize(
    ("reason", "failure"),
    [(Reason.CRASHED, "guest-crashed"), (Reason.GUEST, "guest-went-down-early")],
)
def test_a_guest_that_dies_half_way(tmp_path: Path, reason: Reason, failure: str) -> None:
    with acting_host(tmp_path, command(tmp_path, f"touch {tmp_path}/root/begun; sleep 60")) as host:

        def kill() -> None:
            eventually((host.root / "begun").exists)
            host.hypervisor.end(host.domain, reason)

        thread = threading.Thread(target=kill)
        thread.start()
        with pytest.raises(SysprepFailed) as caught:
            SysprepRun(host.sysprep(), host.request(CANARY, limits=LIMITS)).run()
        thread.join()
        assert caught.value.params["failure"] == failure
        assert nothing_left(host)


@pytest.mark.parametrize("early", [True, False], ids=["before it began", "while it runs"])
def test_cancelled(tmp_path: Path, early: bool) -> None:
    with acting_host(tmp_path, command(tmp_path, f"touch {tmp_path}/root/begun; sleep 60")) as host:
        run = SysprepRun(host.sysprep(), host.request(CANARY, limits=LIMITS))

        def cancel() -> None:
            eventually((host.root / "begun").exists)
            run.cancel("by the operator")

        if early:
            run.cancel("by the operator")
        else:
            thread = threading.Thread(target=cancel)
            thread.start()
        with pytest.raises(SysprepFailed, match="by the operator"):
            run.run()
        assert nothing_left(host)


def test_what_is_missing_is_told_before_anything_is_touched(tmp_path: Path) -> None:
    with acting_host(tmp_path, "[features]\nsysprep = false\n") as host:
        with pytest.raises(SysprepRefused, match="denied-in-the-guest"):
            SysprepRun(host.sysprep(), host.request(CANARY)).run()
        with pytest.raises(AnswersTooBig):
            SysprepRun(host.sysprep(), host.request(CANARY * 2000)).run()
        assert os.listdir(host.media) == []
        assert host.get("control/sysprep") is None


def test_no_drive_is_a_clean_failure(tmp_path: Path) -> None:
    with acting_host(tmp_path, drives=(), os=OsFamily.WINDOWS) as host:
        full = [Bus.USB] * 26
        for number, bus in enumerate(full):
            image = host.bench.image(f"usb{number}")
            host.hypervisor.attach_drive(host.domain, DriveSpec(device=Device.DISK, bus=bus, medium=image))
        with pytest.raises(NoPlacement):
            HypervisorDrive(host.hypervisor, host.domain).insert(host.bench.image("x"))
        with pytest.raises(SysprepFailed, match="medium-not-inserted"):
            SysprepRun(host.sysprep(), host.request(CANARY, limits=LIMITS)).run()
        assert nothing_left(host)


def test_a_killed_service_has_its_media_taken_out_of_all_drives(tmp_path: Path) -> None:
    with acting_host(tmp_path) as host:
        left = os.path.join(host.media, "0123abcd.sysprep.iso")
        Path(left).write_bytes(CANARY)
        host.hypervisor.insert(host.domain, "hdc", left)
        host.store.write(f"{HOME}/control/sysprep/filename", "x")
        swept = sweep_sysprep(host.sysprep(), [DOMID])
        assert (swept.images, swept.problems) == (1, ())
        assert host.hypervisor.get(host.domain).drive("hdc").medium == ""
        assert nothing_left(host)
        assert host.get("control/sysprep/filename") is None
