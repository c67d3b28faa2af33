"""What is known of the guest that is being sealed: the input of every operation."""

from __future__ import annotations

from guestwright.base.record import field, record
from guestwright.guestfs.port import Filesystem, GuestFS


@record
class OperatingSystem:
    """The operating system as its own files describe it.

    Attributes:
        type: "linux", "freebsd", "netbsd", "openbsd", "windows", "unknown".
        id: os-release ID ("debian", "rocky"); "" when unknown.
        id_like: os-release ID_LIKE, split.
        version: VERSION_ID ("12", "9.4"), "" when rolling.
        pretty_name: for people.
        family: "debian", "rhel" (Fedora included), "suse", "arch", "alpine", "gentoo", "void", "" …; from ID
            and ID_LIKE, so that Rocky and AlmaLinux count as rhel.
        package_manager: "apt", "dnf", "yum", "zypper", "pacman", "apk", "xbps", "portage", "".
        package_format: "deb", "rpm", "pacman", "apk", "xbps", "ebuild", "".
        init: "systemd", "openrc", "sysvinit", "runit", "upstart", "".
        hostname: first line of /etc/hostname, "" when absent.
    """

    type: str = "linux"
    id: str = ""
    id_like: tuple[str, ...] = ()
    version: str = ""
    pretty_name: str = ""
    family: str = ""
    package_manager: str = ""
    package_format: str = ""
    init: str = ""
    hostname: str = ""

    @property
    def major(self) -> int:
        """Leading number of the version; 0 when there is none."""
        head = self.version.split(".", 1)[0]
        return int(head) if head.isascii() and head.isdigit() and len(head) < 6 else 0


@record
class SELinux:
    """Whether the guest labels its files, and by which policy.

    Attributes:
        in_use: /usr/sbin/load_policy and /etc/selinux/config are there.
        mode: "enforcing", "permissive" or "disabled".
        policy: SELINUXTYPE ("targeted").
    """

    in_use: bool = False
    mode: str = "disabled"
    policy: str = ""


@record
class Guest:
    """A guest, inspected and mounted.

    Attributes:
        fs: its files.
        os: its operating system.
        selinux: see `SELinux`.
        filesystems: all that was found on its disks.
        mounts: mount point to filesystem id.
        root: id of the root filesystem.
        notes: what inspection could not do ("/srv: filesystem UUID=… is not on these disks").
        driver: "ext", "appliance" or "memory".
    """

    fs: GuestFS
    os: OperatingSystem
    selinux: SELinux = field(default_factory=SELinux)
    filesystems: tuple[Filesystem, ...] = ()
    mounts: tuple[tuple[str, str], ...] = ()
    root: str = ""
    notes: tuple[str, ...] = ()
    driver: str = "memory"
