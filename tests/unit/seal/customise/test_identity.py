"""Host name, time zone, passwords and keys on several families."""

from __future__ import annotations

import pytest

from guestwright.guestfs.drivers.memory import Content, Directory, File, Link
from guestwright.seal.changes import Write
from guestwright.seal.customise import directives as d
from guestwright.seal.customise.errors import BadValue, CustomiseUnsupported, GuestPathMissing
from guestwright.seal.passwords.errors import HashUnsupported, NoShadowFile, UserUnknown
from tests.unit.seal.customise.stepwise import customise, guest_of, text

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43 + " eve@desk"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "B" * 43
HASH = "$6$salt$" + "h" * 86
HOSTS = """\
127.0.0.1\tlocalhost
127.0.1.1\told.lan old
10.0.0.9  older.lan # old.lan
::1 localhost ip6-localhost
"""
RENAMED = HOSTS.replace("old.lan old\n", "web.lan web\n")


@pytest.mark.parametrize(
    ("system", "before", "path", "wanted"),
    [
        ("debian12", {"/etc/hostname": "old.lan\n"}, "/etc/hostname", "web.lan\n"),
        ("ubuntu22", {}, "/etc/hostname", "web.lan\n"),
        ("rocky9", {}, "/etc/hostname", "web.lan\n"),
        (
            "centos6",
            {"/etc/sysconfig/network": 'NETWORKING=yes\nHOSTNAME="old.lan"\n'},
            "/etc/sysconfig/network",
            'NETWORKING=yes\nHOSTNAME="web.lan"\n',
        ),
        ("centos6", {"/etc/sysconfig/": None}, "/etc/sysconfig/network", "HOSTNAME=web.lan\n"),
        ("sles11", {"/etc/HOSTNAME": "old.lan"}, "/etc/HOSTNAME", "web.lan\n"),
        ("leap15", {"/etc/HOSTNAME": Link("hostname")}, "/etc/hostname", "web.lan\n"),
        ("alpine", {}, "/etc/hostname", "web.lan\n"),
        ("arch", {}, "/etc/hostname", "web.lan\n"),
        ("void", {}, "/etc/hostname", "web.lan\n"),
        (
            "gentoo",
            {"/etc/conf.d/hostname": '# name\nhostname="localhost"\n'},
            "/etc/conf.d/hostname",
            '# name\nhostname="web.lan"\n',
        ),
        ("arch", {"/etc/machine-info": "PRETTY_HOSTNAME=Old Box\nX=1\n"}, "/etc/machine-info",
         "PRETTY_HOSTNAME=web.lan\nX=1\n"),
        ("debian12", {"/etc/hosts": HOSTS}, "/etc/hosts", RENAMED),
        ("rocky9", {"/etc/hosts": HOSTS}, "/etc/hosts", RENAMED),
        ("debian12", {"/etc/hosts": "::1 unassigned-hostname.unassigned-domain unassigned-hostname\r\n"},
         "/etc/hosts", "::1 web.lan web\r\n"),
    ],
)  # fmt: skip
def test_hostname(system: str, before: dict[str, Content], path: str, wanted: str) -> None:
    guest = guest_of(system, before)
    customise(guest, d.SetHostname(name="web.lan"))
    assert text(guest, path) == wanted


def test_hostname_without_a_known_place() -> None:
    with pytest.raises(CustomiseUnsupported):
        customise(guest_of("freebsd", {}), d.SetHostname(name="web"))


@pytest.mark.parametrize(
    "name", ["", "a_b", "-a", "a-", "a..b", "a.", "x" * 64, "a b", "ä", "a\n", ".".join(["ab"] * 22)]
)
def test_bad_hostnames(name: str) -> None:
    with pytest.raises(BadValue):
        d.SetHostname(name=name)


ZONE: dict[str, Content] = {"/usr/share/zoneinfo/Europe/Berlin": "TZif"}


@pytest.mark.parametrize(
    ("system", "before", "path", "wanted"),
    [
        ("debian12", {}, "/etc/timezone", "Europe/Berlin\n"),
        ("ubuntu22", {"/etc/timezone": "Etc/UTC\n"}, "/etc/timezone", "Europe/Berlin\n"),
        (
            "centos6",
            {"/etc/sysconfig/clock": 'ZONE="UTC"\n'},
            "/etc/sysconfig/clock",
            'ZONE="Europe/Berlin"\n',
        ),
        ("rocky9", {"/etc/localtime": Link("../usr/share/zoneinfo/UTC")}, "/etc/localtime", "TZif"),
        ("alpine", {"/etc/localtime": File("a copy")}, "/etc/localtime", "TZif"),
    ],
)
def test_timezone(system: str, before: dict[str, Content], path: str, wanted: str) -> None:
    guest = guest_of(system, {**ZONE, **before})
    customise(guest, d.SetTimezone(name="Europe/Berlin"))
    assert text(guest, path) == wanted
    assert guest.fs.readlink("/etc/localtime") == "../usr/share/zoneinfo/Europe/Berlin"


def test_an_absolute_localtime_is_left_alone() -> None:
    guest = guest_of("rocky9", {**ZONE, "/etc/localtime": Link("/usr/share/zoneinfo/Europe/Berlin")})
    assert customise(guest, d.SetTimezone(name="Europe/Berlin")) == []


@pytest.mark.parametrize("name", ["Europe/Atlantis", "Europe"])
def test_a_zone_that_the_guest_has_not(name: str) -> None:
    with pytest.raises(GuestPathMissing):
        customise(guest_of("debian12", ZONE), d.SetTimezone(name=name))


@pytest.mark.parametrize("name", ["", "../../etc/shadow", "/etc", "a/b/c/d", "a b", ".hidden"])
def test_bad_timezones(name: str) -> None:
    with pytest.raises(BadValue):
        d.SetTimezone(name=name)


SHADOW = "root:old:19000:0:99999:7:::\neve:keep:1:0:::::\n"


@pytest.mark.parametrize("system", ["debian12", "rocky9", "centos6", "alpine", "sles11"])
@pytest.mark.parametrize("value", [HASH, "*", "!*", f"!{HASH}"], ids=["hash", "disabled", "locked", "both"])
def test_password(system: str, value: str) -> None:
    shadow = File(SHADOW, mode=0o640, gid=42, xattrs={"security.selinux": b"shadow_t"})
    guest = guest_of(system, {"/etc/shadow": shadow})
    done = customise(guest, d.SetPassword(user="root", hash=value, day=20000))
    assert text(guest, "/etc/shadow") == SHADOW.replace("root:old:19000", f"root:{value}:20000")
    stat = guest.fs.stat("/etc/shadow")
    assert (stat.mode, stat.gid) == (0o640, 42)
    assert guest.fs.xattrs("/etc/shadow") == {"security.selinux": b"shadow_t"}
    assert isinstance(done[0], Write)
    assert done[0].secret


def test_two_passwords_and_a_lock() -> None:
    guest = guest_of("debian12", {"/etc/shadow": SHADOW})
    customise(guest, d.SetPassword(user="root", hash="*", day=2), d.LockAccount(user="eve"))
    assert text(guest, "/etc/shadow") == "root:*:2:0:99999:7:::\neve:!keep:1:0:::::\n"


def test_password_troubles() -> None:
    wish = d.SetPassword(user="nobody", hash=HASH, day=1)
    with pytest.raises(NoShadowFile):
        customise(guest_of("freebsd", {}), wish)
    with pytest.raises(UserUnknown) as caught:
        customise(guest_of("debian12", {"/etc/shadow": SHADOW}), wish)
    assert "keep" not in str(caught.value.as_dict())
    assert HASH not in str(caught.value.as_dict())
    yescrypt = d.SetPassword(user="root", hash="$y$j9T$" + "a" * 60, day=1)
    with pytest.raises(HashUnsupported):
        customise(guest_of("alpine", {"/etc/shadow": SHADOW}), yescrypt)
    customise(guest_of("debian12", {"/etc/shadow": SHADOW}), yescrypt)


@pytest.mark.parametrize("value", ["", "secret", "hunter2:x", HASH + "\n", "!!", "$6$short"])
def test_a_password_field_takes_no_clear_text(value: str) -> None:
    with pytest.raises(BadValue) as caught:
        d.SetPassword(user="root", hash=value, day=1)
    assert not value or value not in caught.value.message


PASSWD = """\
root:x:0:0::/root:/bin/sh
eve:x:1000:1001::/home/eve:/bin/sh
lost:x:7:7::/nowhere:/bin/sh
odd:x:8:8:::/x
"""


def _home(**more: Content) -> dict[str, Content]:
    files: dict[str, Content] = {"/etc/passwd": PASSWD, "/root/": None}
    files["/home/eve"] = Directory(mode=0o700, uid=1000, gid=1001)
    return {**files, **more}


def test_ssh_key_makes_what_is_missing() -> None:
    guest = guest_of("debian12", _home())
    customise(guest, d.InjectSshKey(user="eve", keys=f"# mine\n{KEY}\n\n{OTHER}\n{KEY}\n"))
    assert text(guest, "/home/eve/.ssh/authorized_keys") == f"{KEY}\n{OTHER}\n"
    for path, mode in (("/home/eve/.ssh", 0o700), ("/home/eve/.ssh/authorized_keys", 0o600)):
        stat = guest.fs.stat(path)
        assert (stat.mode, stat.uid, stat.gid) == (mode, 1000, 1001)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"{KEY}\n"),
        (OTHER, f"{OTHER}\n{KEY}\n"),
        (f"{OTHER}\r\n", f"{OTHER}\r\n{KEY}\r\n"),
        (f'from="10.*" {KEY}-old\n', f'from="10.*" {KEY}-old\n'),
    ],
    ids=["empty", "no-final-newline", "crlf", "there-with-options"],
)
def test_ssh_key_is_appended_once(before: str, after: str) -> None:
    path = "/home/eve/.ssh/authorized_keys"
    guest = guest_of("rocky9", _home(**{path: File(before, mode=0o640, uid=1000)}))
    customise(guest, d.InjectSshKey(user="eve", keys=KEY))
    assert text(guest, path) == after
    assert guest.fs.stat(path).mode == 0o640


def test_a_symlinked_ssh_directory_is_followed_inside_the_guest() -> None:
    guest = guest_of("rocky9", _home(**{"/home/eve/.ssh": Link("/srv/keys/eve"), "/srv/keys/eve/": None}))
    customise(guest, d.InjectSshKey(user="eve", keys=KEY))
    assert text(guest, "/srv/keys/eve/authorized_keys") == f"{KEY}\n"


@pytest.mark.parametrize(
    ("user", "error"), [("mallory", UserUnknown), ("lost", GuestPathMissing), ("odd", GuestPathMissing)]
)
def test_ssh_key_troubles(user: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        customise(guest_of("rocky9", _home()), d.InjectSshKey(user=user, keys=KEY))


@pytest.mark.parametrize(
    "keys",
    [
        "",
        "# only\n",
        "ssh-dss AAAAB3NzaC1kc3MAAAA= x",
        f'command="sh" {KEY}',
        "ssh-ed25519 not*base64",
        "ssh-rsa " + KEY.split()[1],
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        KEY + "\x07",
        "\n".join([KEY] * 65),
        "x" * 300_000,
    ],
    ids=["empty", "comment", "dss", "options", "base64", "type", "short", "private", "bell", "many", "long"],
)
def test_bad_keys(keys: str) -> None:
    with pytest.raises(BadValue):
        d.InjectSshKey(user="root", keys=keys)
