"""The bones of a guest: enough of a tree for inspection to recognise the distribution, and accounts.

Rules of recognition: libguestfs lib/inspect-fs-unix.c (os-release needs ID, PRETTY_NAME and VERSION_ID; a
root has /etc and /bin, and /etc/fstab or /etc/hosts).
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.items.item import Item, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A distribution as its os-release tells it.

    Attributes:
        rpm: whether it keeps an rpm database.
        programs: what its packages bring to make SSH host keys (openssh-server) and the store of trusted
            certificates (ca-certificates) anew.
    """

    id: str
    version: str
    name: str
    like: str = ""
    rpm: bool = False
    programs: tuple[str, ...] = ("/usr/sbin/update-ca-certificates",)


_EL = (
    "/usr/bin/update-ca-trust",
    "/usr/libexec/openssh/sshd-keygen",
    "/usr/lib/systemd/system/sshd-keygen@.service",
    "/usr/lib/systemd/system/sshd-keygen.target",
)
_EL7 = (
    "/usr/bin/update-ca-trust",
    "/usr/sbin/sshd-keygen",
    "/usr/lib/systemd/system/sshd-keygen.service",
)
_SUSE = ("/usr/sbin/update-ca-certificates", "/usr/sbin/sshd-gen-keys-start")

SYSTEMS = {
    "debian12": System(id="debian", version="12", name="Debian GNU/Linux 12 (bookworm)"),
    "ubuntu2404": System(id="ubuntu", version="24.04", name="Ubuntu 24.04 LTS", like="debian"),
    "rhel9": System(
        id="rhel",
        version="9.4",
        name="Red Hat Enterprise Linux 9.4 (Plow)",
        like="fedora",
        rpm=True,
        programs=_EL,
    ),
    "rocky9": System(
        id="rocky",
        version="9.4",
        name="Rocky Linux 9.4",
        like="rhel centos fedora",
        rpm=True,
        programs=_EL,
    ),
    "centos7": System(
        id="centos",
        version="7",
        name="CentOS Linux 7 (Core)",
        like="rhel fedora",
        rpm=True,
        programs=_EL7,
    ),
    "fedora40": System(id="fedora", version="40", name="Fedora Linux 40", rpm=True, programs=_EL),
    "leap15": System(
        id="opensuse-leap",
        version="15.6",
        name="openSUSE Leap 15.6",
        like="suse opensuse",
        rpm=True,
        programs=_SUSE,
    ),
}

ROOT_UUID = "e0e0e0e0-0000-4000-8000-000000000000"
"""UUID of every root filesystem that the lab makes."""

_DIRECTORIES = """/boot /dev /etc /home /opt /proc /root /run /srv /sys /tmp /usr/bin /usr/sbin /usr/lib
/usr/lib64 /usr/local/bin /usr/share /var/cache /var/lib /var/log /var/spool /var/tmp /etc/ssh
/etc/systemd/system /usr/lib/systemd/system /etc/init.d /etc/sysconfig"""

_PASSWD = """root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
sshd:x:100:65534::/run/sshd:/usr/sbin/nologin
alice:x:1000:1000:Alice:/home/alice:/bin/bash
carol:x:1001:1001:Carol:/home/carol:/bin/bash
dave:x:1002:1002:Dave:/home/dave:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""

USERS = (("alice", 1000), ("carol", 1001), ("dave", 1002))


def bones(name: str) -> list[Item]:
    """Directories, os-release, fstab and accounts of a system named in `SYSTEMS`."""
    system = SYSTEMS[name]
    like = f'ID_LIKE="{system.like}"\n' if system.like else ""
    release = (
        f'PRETTY_NAME="{system.name}"\nNAME="Lab"\nVERSION_ID="{system.version}"\nID={system.id}\n{like}'
    )
    items = [
        Item(path=path, kind=Kind.DIRECTORY, mode=0o1777 if path.endswith("tmp") else 0o755)
        for path in _DIRECTORIES.split()
    ]
    items += [
        Item(path="/bin", kind=Kind.SYMLINK, target="usr/bin"),
        Item(path="/sbin", kind=Kind.SYMLINK, target="usr/sbin"),
        Item(path="/lib", kind=Kind.SYMLINK, target="usr/lib"),
        Item(path="/lib64", kind=Kind.SYMLINK, target="usr/lib64"),
        Item(path="/var/run", kind=Kind.SYMLINK, target="/run"),
        Item(path="/var/lock", kind=Kind.SYMLINK, target="/run/lock"),
        Item(path="/usr/lib/os-release", content=release.encode()),
        Item(path="/etc/os-release", kind=Kind.SYMLINK, target="../usr/lib/os-release"),
        Item(path="/etc/fstab", content=f"# lab\nUUID={ROOT_UUID} / auto defaults 0 1\n".encode()),
        Item(path="/etc/hosts", content=b"127.0.0.1 localhost\n127.0.1.1 clone-me.example.com clone-me\n"),
        Item(path="/usr/bin/bash", content=b"\x7fELF keep\n", mode=0o755),
        Item(path="/usr/bin/ssh-keygen", content=b"\x7fELF keep\n", mode=0o755),
        Item(path="/usr/sbin/sshd", content=b"\x7fELF keep\n", mode=0o755),
        Item(path="/usr/lib/systemd/systemd", content=b"\x7fELF keep\n", mode=0o755),
        Item(path="/etc/group", content=b"root:x:0:\nalice:x:1000:\ncarol:x:1001:\ndave:x:1002:\n"),
        Item(path="/etc/shadow", mode=0o640, gid=42, content=_shadow()),
        Item(path="/etc/passwd", content=_PASSWD.encode()),
        Item(path="/etc/login.defs", content=b"UID_MIN 1000\nUID_MAX 60000\n"),
        Item(path="/etc/ssh/sshd_config", content=b"PermitRootLogin no\n"),
        *mail_spool(),
    ]
    items += [Item(path=path, content=b"keep\n", mode=0o755) for path in system.programs]
    items += _homes()
    if system.rpm:
        items.append(Item(path="/etc/redhat-release", content=f"{system.name}\n".encode()))
        items.append(Item(path="/usr/bin/dnf", content=b"#!/usr/bin/python3\n", mode=0o755))
        items.append(Item(path="/var/lib/rpm", kind=Kind.DIRECTORY))
    else:
        items.append(Item(path="/etc/debian_version", content=b"12.5\n"))
        items.append(Item(path="/var/lib/dpkg/status", content=b"Package: base-files\nVersion: 12.4\n\n"))
    return items


def mail_spool() -> list[Item]:
    """/var/mail and the usual link to it."""
    return [
        Item(path="/var/mail", kind=Kind.DIRECTORY, mode=0o2775, gid=8),
        Item(path="/var/spool/mail", kind=Kind.SYMLINK, target="../mail"),
    ]


def accounts(passwd: str) -> list[Item]:
    """The lab's users added to a real tree's /etc/passwd (its text is `passwd`), and their homes."""
    lines = [line for line in _PASSWD.splitlines() if line.split(":")[0] in dict(USERS)]
    missing = [line for line in lines if line not in passwd.splitlines()]
    text = passwd + "".join(line + "\n" for line in missing)
    return [Item(path="/etc/passwd", content=text.encode()), *_homes()]


def _homes() -> list[Item]:
    return [
        Item(path=f"/home/{user}", kind=Kind.DIRECTORY, mode=0o700, uid=uid, gid=uid) for user, uid in USERS
    ]


def _shadow() -> bytes:
    users = [line.split(":")[0] for line in _PASSWD.splitlines()]
    return "".join(f"{user}:*:19700:0:99999:7:::\n" for user in users).encode()
