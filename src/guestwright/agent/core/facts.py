"""What is known about the guest: the values that collectors make and `layout` turns into keys.

Texts are as the guest's system gave them: `layout` makes them printable and cuts them. What is not known is
"" or None, and is not published.
"""

from __future__ import annotations

from guestwright.base.record import field, record


@record
class Address:
    """One address of a network interface.

    Attributes:
        family: 4 or 6.
        address: as text, in its shortest form ("192.0.2.1", "2001:db8::1").
        prefix: length of the network's prefix in bits.
        scope: "global", "site", "link" or "host".
        temporary: a privacy address (RFC 8981).
        deprecated: valid, but not to be used for new connections (RFC 4862).
        tentative: duplicate address detection is not over, or has failed; such an address is not in use.
        dynamic: has a lifetime (DHCP, router advertisement).
    """

    family: int
    address: str
    prefix: int
    scope: str = "global"
    temporary: bool = False
    deprecated: bool = False
    tentative: bool = False
    dynamic: bool = False


@record
class Nic:
    """One network interface.

    Attributes:
        id: stable while the guest runs, whatever the interface is called; letters, digits, "_" and "-" only:
            "vif-0", "pci-0000_00_05_0", "pci-0000_00_05_0-port1", "usb-1-2_3", "virtio-0", "bridge-7".
        kind: "vif", "sriov", "pci", "usb", "virtio", "bridge", "bond", "team", "vlan", "macvlan", "vrf",
            or another one that is not published.
        name: what the guest calls it.
        index: the guest's number of it; unique while the guest runs.
        mac: "00:16:3e:00:00:01", or "".
        mtu: bytes; 0 when unknown.
        up: whether the owner wants it up.
        carrier: whether there is a link; None when unknown.
        speed: Mbit/s; None when unknown.
        driver: of the kernel.
        bus: where it is plugged in, as the guest's system writes it ("0000:00:05.0").
        vif: number of the Xen VIF, None for others.
        members: ids of the interfaces below: ports of a bridge or bond, the link of a VLAN.
        master: id of the bridge, bond or VRF that it is a port of.
        vlan: VLAN id, of a VLAN.
        guid: a name for a bridge that is unique in this guest ("8000.00163e000001").
        addresses: in the guest's order.
    """

    id: str
    kind: str
    name: str
    index: int = 0
    mac: str = ""
    mtu: int = 0
    up: bool = False
    carrier: bool | None = None
    speed: int | None = None
    driver: str = ""
    bus: str = ""
    vif: int | None = None
    members: tuple[str, ...] = ()
    master: str = ""
    vlan: int | None = None
    guid: str = ""
    addresses: tuple[Address, ...] = ()


@record
class System:
    """The operating system.

    Attributes:
        name: for people ("Debian GNU/Linux 12 (bookworm)").
        distro: lower-case token ("debian").
        major: of the version, digits.
        minor: of the version, digits.
        uname: release of the kernel.
        family: "linux", "freebsd" or "windows".
        architecture: as the kernel says ("x86_64").
    """

    name: str = ""
    distro: str = ""
    major: str = ""
    minor: str = ""
    uname: str = ""
    family: str = ""
    architecture: str = ""


@record
class Host:
    """What the guest calls itself.

    Attributes:
        name: the host name without domain.
        domain: its DNS domain.
        timezone: name of a zone ("Europe/London"), or "".
        utc_offset: seconds east of Greenwich at present.
    """

    name: str = ""
    domain: str = ""
    timezone: str = ""
    utc_offset: int | None = None


@record
class Memory:
    """Memory in kB.

    Attributes:
        total: what the kernel has.
        free: what could be had without swapping.
    """

    total: int
    free: int


@record
class Disk:
    """One whole disk.

    Attributes:
        name: device name ("xvda").
        size: bytes.
        serial: as the disk tells, or "".
        vbd: number of the Xen virtual block device, None for others.
    """

    name: str
    size: int
    serial: str = ""
    vbd: int | None = None


@record
class Filesystem:
    """One mounted file system.

    Attributes:
        device: what is mounted ("/dev/xvda1").
        kind: its type ("ext4").
        size: bytes.
        free: bytes that an ordinary user may still fill.
        mounts: where it is mounted, the shortest path first.
        uuid: or "".
        label: or "".
    """

    device: str
    kind: str
    size: int
    free: int
    mounts: tuple[str, ...] = ()
    uuid: str = ""
    label: str = ""


@record
class User:
    """One session of a user who is logged in.

    Attributes:
        name: of the user.
        line: terminal ("tty1", "pts/0").
        host: where from, or "".
        since: seconds since 1970.
    """

    name: str
    line: str = ""
    host: str = ""
    since: int = 0


@record
class Identity:
    """What must differ between two guests; only hashes leave the guest.

    Attributes:
        machine_id: hash of the machine id, hexadecimal.
        ssh: "TYPE SHA256:…" of each SSH host key, as `ssh-keygen -l` prints it.
    """

    machine_id: str = ""
    ssh: tuple[str, ...] = ()


@record
class Balloon:
    """The balloon driver's view; kB.

    Attributes:
        current: memory that the guest has.
        target: memory that it shall have.
        settled: the target is reached, and has been for a while.
        ready: it has settled once since the start of the agent, or has been given time enough; from then on
            the guest counts as booted, as far as its memory goes.
        supported: it has settled once since the start of the agent: the guest can balloon.
        stuck: reason why the target is not approached any more, or "".
    """

    current: int
    target: int
    settled: bool = False
    ready: bool = False
    supported: bool = False
    stuck: str = ""


@record
class Facts:
    """All that is known about the guest.

    Attributes:
        system: the operating system.
        host: its names.
        memory: None when unknown.
        disks: whole disks.
        filesystems: mounted ones that keep data.
        users: who is logged in.
        version: of the agent, three numbers.
        channel: "xen" where the kernel serves a part of the control keys itself;
            "virtio" or "unix" elsewhere.
        not_upgradable: the owner says that the guest's tools cannot be upgraded.
        nics: all interfaces, also those that are not published.
        identity: hashes.
        boot: "booting" or "up".
        balloon: None where there is no driver.
        services: names of the commands that the owner lets the host run by name.
    """

    system: System = field(default_factory=System)
    host: Host = field(default_factory=Host)
    memory: Memory | None = None
    disks: tuple[Disk, ...] = ()
    filesystems: tuple[Filesystem, ...] = ()
    users: tuple[User, ...] = ()
    version: tuple[int, int, int] = (1, 0, 0)
    channel: str = "xen"
    not_upgradable: bool = False
    nics: tuple[Nic, ...] = ()
    identity: Identity = field(default_factory=Identity)
    boot: str = "booting"
    balloon: Balloon | None = None
    services: tuple[str, ...] = ()
