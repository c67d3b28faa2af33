"""Names for new drives."""

from __future__ import annotations

import pytest

from guestwright.hypervisor.assignment import assign
from guestwright.hypervisor.domain import Bus, Device
from guestwright.hypervisor.errors import TargetTaken
from guestwright.hypervisor.spec import DriveSpec


def cd(bus: Bus, target: str = "") -> DriveSpec:
    return DriveSpec(device=Device.CD, bus=bus, target=target)


@pytest.mark.parametrize(
    ("drives", "taken", "names"),
    [
        ((cd(Bus.IDE), cd(Bus.IDE)), (), ["hda", "hdb"]),
        ((cd(Bus.IDE), cd(Bus.IDE, "hda")), (), ["hdb", "hda"]),
        ((cd(Bus.SATA), cd(Bus.SCSI), cd(Bus.USB)), ("sda",), ["sdb", "sdc", "sdd"]),
    ],
)
def test_the_first_that_is_free(
    drives: tuple[DriveSpec, ...], taken: tuple[str, ...], names: list[str]
) -> None:
    assert [each.target for each in assign(drives, taken, "d")] == names


@pytest.mark.parametrize(
    ("drives", "taken"),
    [((cd(Bus.IDE, "hda"),), ("hda",)), ((cd(Bus.IDE),), ("hda", "hdb", "hdc", "hdd"))],
    ids=["named", "full"],
)
def test_taken(drives: tuple[DriveSpec, ...], taken: tuple[str, ...]) -> None:
    with pytest.raises(TargetTaken):
        assign(drives, taken, "d")


def test_a_cd_is_read_only_and_an_empty_drive_has_no_format() -> None:
    (made,) = assign([cd(Bus.IDE)], (), "d")
    assert (made.read_only, made.format, made.medium) == (True, "", "")
