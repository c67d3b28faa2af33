"""What the rows of the tables are too coarse for: contents written, hostile input, LVM's first boot."""

from __future__ import annotations

import pytest

from guestwright.base.errors import UsageError
from guestwright.base.record import replace
from guestwright.guestfs.errors import TooLarge
from guestwright.seal.changes import Write
from guestwright.seal.operations import cloud_init, hostname, lvm_system_devices
from guestwright.seal.registry import by_name
from tests.support.apply_changes import apply_changes
from tests.support.sealing import make_guest, words


@pytest.mark.parametrize(
    ("hosts", "name", "left"),
    [
        ("127.0.1.1 web.a.b web\n", "web.a.b", ""),
        ("127.0.1.1\tweb\n::1 localhost web # x\n", "web", "::1\tlocalhost # x\n"),
        ("10.0.0.5 web\n127.0.0.1 localhost\n", "web", None),
        ("127.0.0.1 website web2 # web\n", "web", None),
        ("127.0.1.1 web.old.domain\n#127.0.1.1 web\n", "web.new.domain", "#127.0.1.1 web\n"),
        ("", "web", None),
    ],
)
def test_hosts(hosts: str, name: str, left: str | None) -> None:
    assert hostname.without_name(hosts, name) == left


@pytest.mark.parametrize(
    ("text", "name"), [("web\n", "web"), ("# x\n\n web \n", "web"), ("", ""), ("#x", "")]
)
def test_first_name(text: str, name: str) -> None:
    assert hostname.first_name(text) == name


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("/srv/cloud", ("/srv/cloud",)),
        ('"/srv/cloud/"', ("/srv/cloud",)),
        ("/", ()),
        ("/var", ()),
        ("/var/lib", ()),
        ("/var/lib/cloud", ()),
        ("/var/lib/../..", ()),
        ("relative", ()),
    ],
)
def test_cloud_dir_is_not_taken_at_its_word(value: str, wanted: tuple[str, ...]) -> None:
    assert cloud_init.cloud_dirs(f"system_info:\n  paths:\n    cloud_dir: {value}\n") == wanted


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("output: {all: '| tee -a /var/log/a.log'}", ("/var/log/a.log",)),
        ("output: {all: '>> /var/log/b.log'}", ("/var/log/b.log",)),
        ("def_log_file: /var/log/c.log", ("/var/log/c.log",)),
        ("def_log_file: /etc/shadow", ()),
        ("def_log_file: /var/log/../../etc/shadow", ()),
        ("def_log_file: /var/log/cloud-init.log", ()),
    ],
)
def test_log_files_stay_below_var_log(line: str, wanted: tuple[str, ...]) -> None:
    assert cloud_init.log_files(line) == wanted


def test_lvm_lists_the_clones_disks_at_first_boot_where_it_can() -> None:
    files = {lvm_system_devices.DEVICES: "x", "/usr/lib/systemd/system/lvm-devices-import.service": ""}
    guest = replace(make_guest(files), root="lvm:vg/root")
    wanted = list(lvm_system_devices.plan(guest, {}))
    assert words(wanted) == [f"remove {lvm_system_devices.DEVICES}", f"write {lvm_system_devices.MARK}"]
    apply_changes(guest.fs, wanted)
    assert list(lvm_system_devices.plan(guest, {})) == []


def test_machine_id_marked_for_first_boot() -> None:
    guest = make_guest({"/etc/machine-id": "0123\n"})
    (write,) = by_name("machine-id").plan(guest, {"uninitialized": True})
    assert isinstance(write, Write)
    assert (write.data, write.mode, write.mode_always) == (b"uninitialized\n", 0o444, True)
    apply_changes(guest.fs, [write])
    assert list(by_name("machine-id").plan(guest, {"uninitialized": True})) == []
    assert list(by_name("machine-id").plan(guest, {})) == []


def test_debian_iscsi_name_keeps_its_mode() -> None:
    guest = make_guest({"/etc/iscsi/initiatorname.iscsi": "InitiatorName=iqn.1\n"})
    (write,) = by_name("iscsi-name").plan(guest, {})
    assert isinstance(write, Write)
    assert b"\nGenerateName=yes\n" in write.data
    assert not write.mode_always


def test_a_huge_configuration_file_stops_the_run() -> None:
    guest = make_guest({"/etc/passwd": "x" * (2 << 20), "/root/.bash_history": "x"})
    with pytest.raises(TooLarge, match="/etc/passwd"):
        list(by_name("bash-history").plan(guest, {}))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("machine-id", {"uninitialized": "yes"}),
        ("script", {"scripts": "touch a"}),
        ("script", {"scripts": [""]}),
        ("script", {"scripts": ["a"], "scriptdir": 1}),
        ("user-account", {"remove-user-accounts": ""}),
    ],
)
def test_options_of_the_wrong_kind(name: str, options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="option"):
        list(by_name(name).plan(make_guest({"/etc/machine-id": "x"}), options))
