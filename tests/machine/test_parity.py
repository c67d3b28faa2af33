"""The same images sealed by virt-sysprep and by us: equal trees, but for what tests/support/meant lists.

Compared are names, kinds, contents, modes, owners and extended attributes, as somebody else reads them: the
host's kernel, or libguestfs. A difference nobody meant fails, and so does a row that nothing needs.
How long both take is measured by bench/.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import ext, small
from lab.debian import Recipe, build
from lab.images import btrfs, xfs_lvm
from lab.items.item import Item
from tests.support import meant, trees
from tests.support.program import guestwright
from tests.support.tools import needs
from tests.support.trees import Meant, Tree
from tests.support.virt_sysprep import appliance_environment, virt_sysprep

pytestmark = [
    pytest.mark.machine,
    needs("virt-sysprep", "guestfish", "mke2fs", "blkid"),
    pytest.mark.timeout(1200),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An image and its two sealed copies."""

    image: Path
    ours: Path
    theirs: Path


def operations() -> str:
    """Our names of what virt-sysprep does by default (it handles random seeds in `customize`)."""
    listed = guestwright("seal", "operations", "--json").json
    return ",".join(
        [*(one["name"] for one in listed if one["virt_sysprep"] and one["default"]), "random-seed"]
    )


def seal_both(image: Path) -> Sealed:
    ours, theirs = image.with_name("ours.img"), image.with_name("theirs.img")
    shutil.copyfile(image, ours)
    shutil.copyfile(image, theirs)
    done = guestwright(
        "seal", "run", "--no-manifest", "--operations", operations(), str(ours),
        env=appliance_environment(),
        timeout=900,
    )  # fmt: skip
    assert done.status == 0, done.err
    virt_sysprep([str(theirs)])
    return Sealed(image=image, ours=ours, theirs=theirs)


def hold(rows: Sequence[Meant], before: Tree, ours: Tree, theirs: Tree) -> None:
    unexpected, unused = trees.judge(trees.compare(before, ours, theirs), rows)
    assert unexpected == []
    assert unused == []


def read(image: Path, offset: int = 0) -> Tree:
    if os.geteuid() == 0:
        return trees.mounted(str(image), offset=offset)
    return trees.appliance([str(image)], ["/dev/sda1" if offset else "/dev/sda"])


SMALL = {"debian12": meant.SMALL_DEBIAN, "rhel9": meant.SMALL_RHEL}
NEVER = {"zsh-history", "lvm-system-devices", "ca-certificates", "firewall-rules", "kerberos-data"}
KEPT = {
    "debian12": NEVER
    | {"net-hwaddr", "net-nmconn", "rh-subscription-manager", "rhn-systemid", "rpm-db", "yum-uuid"},
    "rhel9": NEVER | {"yum-uuid"},
}
CACHES = {"debian12": "/var/cache/apt/", "rhel9": "/var/cache/dnf/"}
ACCOUNTING = {"debian12": "/var/log/account/", "rhel9": "/var/account/"}


@pytest.mark.parametrize("system", SMALL)
def test_every_artefact(system: str, tmp_path: Path) -> None:
    image, top = tmp_path / "x.img", str(tmp_path / "tree")
    items = small.plant_tree(top, system, beyond=False)
    small.image(str(image), top, "ext4", items=items)
    sealed = seal_both(image)
    assert ext.check(str(sealed.ours)) == ""
    assert ext.check(str(sealed.theirs)) == ""
    before, ours, theirs = map(read, (image, sealed.ours, sealed.theirs))
    the_lists_are_right(system, items, before, theirs)
    hold(SMALL[system], before, ours, theirs)


def the_lists_are_right(system: str, items: Sequence[Item], before: Tree, after: Tree) -> None:
    """The real virt-sysprep takes every artefact of the lab and leaves every decoy."""
    kept = {item.path for item in items if item.op and after.get(item.path) == before.get(item.path)}
    expected = {
        item.path
        for item in items
        if item.op in KEPT[system]
        or (item.op == "package-manager-cache" and not item.path.startswith(CACHES[system]))
        or (item.op == "pacct-log" and not item.path.startswith(ACCOUNTING[system]))
    }
    # its glob gives a link to a directory a trailing slash, and rm does not remove that
    assert kept - expected == {"/home/dave/.ssh"}
    assert expected - kept == set()
    decoys = [item.path for item in items if not item.op and item.path in before]
    assert [path for path in decoys if path not in after] == []
    assert [path for path in decoys if trees.compare({}, {"": after[path]}, {"": before[path]})] == []


def test_real_debian(tmp_path: Path) -> None:
    """A profile with update-ca-certificates, without which virt-sysprep fails on this guest."""
    image = tmp_path / "x.img"
    built = build(str(image), Recipe(profile="server", size=2 << 30))
    sealed = seal_both(image)
    assert ext.check(str(sealed.ours), offset=built.offset) == ""
    hold(meant.DEBIAN, *(read(path, built.offset) for path in (image, sealed.ours, sealed.theirs)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A kind of image that needs the appliance.

    Attributes:
        system: whose tree it gets. `build`: makes it of a tar.
        mounts: for guestfish.
        volume: byte where a physical volume of LVM starts, 0 for none.
    """

    system: str
    build: Callable[[Path, Path], None]
    mounts: Sequence[str]
    rows: Sequence[Meant]
    volume: int = 0


OTHERS = {
    "xfs-on-lvm": Other(
        system="rhel9",
        build=xfs_lvm.build,
        mounts=["/dev/vg0/root:/", "/dev/sda1:/boot"],
        rows=meant.SMALL_RHEL,
        volume=xfs_lvm.VOLUME,
    ),
    "btrfs": Other(
        system="leap15",
        build=btrfs.build,
        mounts=["/dev/sda1:/:subvol=@", "/dev/sda1:/home:subvol=@home"],
        rows=meant.SUSE,
    ),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_through_the_appliance(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other, top, image = OTHERS[kind], tmp_path / "tree", tmp_path / "x.img"
    small.pack(top, small.plant_tree(str(top), other.system, beyond=False), tmp_path / "tree.tar")
    other.build(image, tmp_path / "tree.tar")
    starts = counted_starts(tmp_path, monkeypatch)
    sealed = seal_both(image)
    assert starts() == 2, "one appliance for each of the two runs"
    after = [trees.appliance([str(path)], other.mounts) for path in (sealed.ours, sealed.theirs)]
    hold(other.rows, trees.directory(str(top)), *after)
    if other.volume:
        assert len({volume_uuid(path, other.volume) for path in (image, sealed.ours, sealed.theirs)}) == 3


def counted_starts(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Put a script before libguestfs' hypervisor; what is returned tells how often a kernel was started."""
    qemu, log, script = shutil.which("qemu-system-x86_64"), scratch / "starts", scratch / "hypervisor"
    script.write_text(f'#!/bin/sh\ncase " $* " in *" -kernel "*) echo . >>{log} ;; esac\nexec {qemu} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("LIBGUESTFS_HV", str(script))
    return lambda: log.read_text().count(".") if log.exists() else 0


def volume_uuid(image: Path, offset: int) -> bytes:
    return ext.run(["blkid", "-p", "-O", str(offset), "-o", "value", "-s", "UUID", str(image)])
