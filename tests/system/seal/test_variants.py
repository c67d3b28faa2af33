"""Every kind of ext filesystem, sealed for real; e2fsck has the last word."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lab.small import REPLAYED, VARIANTS
from tests.support.program import guestwright
from tests.support.tools import needs
from tests.system.conftest import MakeImage

pytestmark = [pytest.mark.system, needs("e2fsck", "mke2fs", "debugfs")]

REFUSED = {"ext4-quota": "quota", "ext4-project": "quota"}


def e2fsck(image: Path) -> str:
    done = subprocess.run(["e2fsck", "-fn", image], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name not in REFUSED])
def test_sealed_clean_and_verified(variant: str, make_image: MakeImage) -> None:
    image = make_image(variant)
    ran = guestwright("seal", "run", "--json", str(image))
    assert ran.status == 0, ran.err
    changed = {one["name"] for one in ran.json["operations"] if one["status"] == "changed"}
    assert {"machine-id", "ssh-hostkeys", "logfiles", "bash-history"} <= changed
    assert e2fsck(image) == ""
    verified = guestwright("seal", "verify", "--json", str(image))
    assert verified.status == 0, verified.out
    assert verified.json["leftovers"] == []


@pytest.mark.parametrize("variant", sorted(REFUSED))
def test_unsupported_feature_is_refused_untouched(variant: str, make_image: MakeImage) -> None:
    image = make_image(variant)
    before = image.read_bytes()
    ran = guestwright("seal", "run", str(image))
    assert ran.status == 4
    assert f"feature {REFUSED[variant]}" in ran.err.replace("features", "feature")
    assert image.read_bytes() == before


@pytest.mark.parametrize("variant", ["ext4-journal", "ext3-journal"])
def test_journal_is_replayed_first(variant: str, make_image: MakeImage) -> None:
    image = make_image(variant)
    assert guestwright("seal", "run", str(image)).status == 0
    shown = subprocess.run(
        ["debugfs", "-R", "cat /etc/journalled", image], capture_output=True, check=True
    ).stdout
    assert shown == REPLAYED


def test_plan_changes_nothing_and_run_does_what_it_said(make_image: MakeImage) -> None:
    image = make_image()
    before = image.read_bytes()
    planned = guestwright("seal", "plan", "--json", str(image))
    assert planned.status == 0, planned.err
    assert image.read_bytes() == before
    ran = guestwright("seal", "run", "--json", str(image))
    assert ran.json["operations"] == planned.json["operations"]


def test_qcow2(make_image: MakeImage, tmp_path: Path) -> None:
    raw, image = make_image(), tmp_path / "guest.qcow2"
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, image], check=True)
    assert guestwright("seal", "run", str(image)).status == 0
    subprocess.run(["qemu-img", "check", image], check=True, capture_output=True)
    assert guestwright("seal", "run", str(raw)).status == 0
    back = tmp_path / "back.img"
    subprocess.run(["qemu-img", "convert", "-O", "raw", image, back], check=True)
    assert e2fsck(back) == ""
    assert guestwright("seal", "verify", str(back)).status == 0


def test_output_leaves_the_original_alone(make_image: MakeImage, tmp_path: Path) -> None:
    image, sealed = make_image(), tmp_path / "template.img"
    before = image.read_bytes()
    ran = guestwright("seal", "run", str(image), "--output", str(sealed))
    assert ran.status == 0, ran.err
    assert image.read_bytes() == before
    assert guestwright("seal", "verify", str(sealed)).status == 0
    assert guestwright("seal", "verify", str(image)).status == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "guest.img",
        "template.img",
        "template.img.guestwright-manifest.json",
    ]


def test_saved_plan_is_applied_and_refused_after_a_change(make_image: MakeImage, tmp_path: Path) -> None:
    image, plan = make_image(), tmp_path / "plan.json"
    assert guestwright("seal", "plan", "--save", str(plan), str(image)).status == 0
    assert plan.stat().st_mode & 0o777 == 0o600
    other = tmp_path / "changed.img"
    shutil.copy2(image, other)
    subprocess.run(["debugfs", "-w", "-R", "rm /etc/journalled", other], check=True, capture_output=True)
    before = other.read_bytes()
    refused = guestwright("seal", "run", "--plan", str(plan), str(other))
    assert refused.status == 1
    assert "does not fit" in refused.err
    assert other.read_bytes() == before
    applied = guestwright("seal", "run", "--plan", str(plan), str(image))
    assert applied.status == 0, applied.err
    assert guestwright("seal", "verify", str(image)).status == 0
