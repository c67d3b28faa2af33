from __future__ import annotations

from collections.abc import Mapping

import pytest

from guestwright.guestfs.drivers.memory import Content, Link, memory_guest
from guestwright.guestfs.port import Filesystem
from guestwright.guestfs.tree import Tree
from guestwright.seal.errors import MountIncomplete, NoOperatingSystem, SeveralRoots, UnknownRoot
from guestwright.seal.inspect import Wish, inspect
from tests.support.memory_machine import DEBIAN

ROOT = "disk0/p1"
SECOND = "00000000-0000-4000-8000-000000000002"


def tree(
    files: Mapping[str, Content], mounts: tuple[str, ...] = (), other: tuple[Filesystem, ...] = ()
) -> Tree:
    fs = memory_guest({**DEBIAN, **files}, mounts=mounts, other=other)
    fs.unmount_all()
    return fs


def test_debian() -> None:
    guest = inspect(tree({}), driver="memory", wish=Wish())
    assert (guest.os.id, guest.os.family, guest.os.version, guest.os.init) == (
        "debian",
        "debian",
        "12",
        "systemd",
    )
    assert guest.os.hostname == "web1"
    assert guest.os.package_manager == "apt"
    assert not guest.selinux.in_use
    assert guest.root == ROOT
    assert guest.notes == ()


FSTABS = {
    "uuid": f"UUID={SECOND} /var ext4 defaults 0 2\n",
    "quoted": f'UUID="{SECOND}" /var ext4 defaults 0 2\n',
    "partuuid": "PARTUUID=00000000-0000-4000-9000-000000000002 /var ext4 defaults 0 2\n",
    "device": "/dev/vda2 /var ext4 defaults 0 2\n",
    "by-uuid": f"/dev/disk/by-uuid/{SECOND} /var ext4 defaults 0 2\n",
}


@pytest.mark.parametrize("text", FSTABS.values(), ids=FSTABS.keys())
def test_fstab_is_mounted(text: str) -> None:
    fs = tree({"/etc/fstab": text, "/var/log/x": "here"}, mounts=("/var",))
    guest = inspect(fs, driver="memory", wish=Wish())
    assert dict(guest.mounts) == {"/": ROOT, "/var": "disk0/p2"}
    assert fs.read("/var/log/x") == b"here"


def test_missing_filesystem_that_matters_is_refused() -> None:
    fs = tree({"/etc/fstab": "UUID=dead /var ext4 defaults 0 2\n"})
    with pytest.raises(MountIncomplete, match="/var \\(UUID=dead\\) cannot be reached"):
        inspect(fs, driver="memory", wish=Wish())


def test_missing_filesystem_can_be_allowed() -> None:
    fs = tree({"/etc/fstab": "UUID=dead /var ext4 defaults 0 2\n"})
    guest = inspect(fs, driver="memory", wish=Wish(allow_missing=True))
    assert any("/var" in note and "not sealed" in note for note in guest.notes)


@pytest.mark.parametrize(
    "row",
    ["nas:/x /srv nfs defaults 0 0", "tmpfs /tmp tmpfs defaults 0 0", "UUID=dead /mnt/x ext4 noauto 0 0"],
    ids=["network", "tmpfs", "noauto"],
)
def test_rows_that_do_not_stop_a_seal(row: str) -> None:
    inspect(tree({"/etc/fstab": row + "\n"}), driver="memory", wish=Wish())


def test_data_disk_is_no_guest() -> None:
    fs = memory_guest({"/photos/a.jpg": "x"})
    fs.unmount_all()
    with pytest.raises(NoOperatingSystem, match=r"no Linux root filesystem found on data\.img"):
        inspect(fs, driver="memory", wish=Wish(images=("data.img",)))


SECOND_ROOT: dict[str, Content] = {
    "/second/bin/": None,
    "/second/etc/hosts": "",
}


def test_two_roots_need_a_choice() -> None:
    with pytest.raises(SeveralRoots, match="disk0/p1, disk0/p2"):
        inspect(tree(SECOND_ROOT, mounts=("/second",)), driver="memory", wish=Wish())
    wish = Wish(root="disk0/p2")
    assert inspect(tree(SECOND_ROOT, mounts=("/second",)), driver="memory", wish=wish).root == "disk0/p2"


def test_unknown_root() -> None:
    with pytest.raises(UnknownRoot, match="found disk0/p1"):
        inspect(tree({}), driver="memory", wish=Wish(root="disk9"))


def test_selinux_state() -> None:
    files: dict[str, Content] = {
        "/usr/sbin/load_policy": "",
        "/etc/selinux/config": "# comment\nSELINUX=permissive\nSELINUXTYPE=targeted\n",
    }
    guest = inspect(tree(files), driver="memory", wish=Wish())
    assert (guest.selinux.in_use, guest.selinux.mode, guest.selinux.policy) == (
        True,
        "permissive",
        "targeted",
    )


def test_policy_name_cannot_climb() -> None:
    files: dict[str, Content] = {
        "/usr/sbin/load_policy": "",
        "/etc/selinux/config": "SELINUX=enforcing\nSELINUXTYPE=../../x\n",
    }
    assert inspect(tree(files), driver="memory", wish=Wish()).selinux.policy == "targeted"


INITS = {
    "openrc": ({"/sbin/openrc": "", "/sbin/init": ""}, "openrc"),
    "sysvinit": ({"/sbin/init": "", "/etc/inittab": ""}, "sysvinit"),
    "sysvinit with systemd installed": (
        {"/usr/lib/systemd/systemd": "", "/sbin/init": "real file"},
        "sysvinit",
    ),
    "none": ({}, ""),
}


@pytest.mark.parametrize(("files", "init"), INITS.values(), ids=INITS.keys())
def test_init(files: dict[str, Content], init: str) -> None:
    base: dict[str, Content] = {"/bin": Link("usr/bin"), "/usr/bin/": None, "/etc/hosts": "", "/sbin/": None}
    fs = memory_guest({**base, **files})
    fs.unmount_all()
    assert inspect(fs, driver="memory", wish=Wish()).os.init == init
