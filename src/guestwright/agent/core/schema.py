"""Every key that the agent publishes, in one table; `docs/xenstore-schema.md` is made from it.

Theory of operation: a path pattern has segments between braces where names vary: `{n}` numbers that the host
chose, `{m}` indexes counted from 0, `{id}` names. `find` walks a tree of segments, so that a path costs a few
look-ups. A key belongs to a *subject* (one NIC, the operating system), whose changes are one transaction, and
subjects to a *group*, which is replaced as a whole when it is not known what the store holds. What may be
lost when nodes are scarce goes by *priority*: low numbers stay; of addresses and other counted things, every
eight come one step later.

Sources of the older keys: Xen's docs/misc/xenstore-paths.pandoc, xen-api (ocaml/xapi/xapi_guest_agent.ml,
ocaml/xenopsd), the agents xe-guest-utilities, xen-guest-agent, win-xenguestagent.
"""

from __future__ import annotations

from guestwright.base.record import record

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from typing import Any

VERSION = "1.0"
WATCHED = (
    "attr/",
    "control/",
    "feature/",
    "xenserver/attr/",
    "data/service/",
)  # what xenopsd watches; of data/ only a few parts


@record
class Row:
    """One key.

    Attributes:
        path: pattern, relative to the domain's directory.
        kind: type of the value: "text", "token", "integer", "flag" ("1"), "ipv4", "ipv6", "mac", "list".
        subject: pattern of the subject; what precedes ":" is the group.
        priority: 0 is kept longest.
        meaning: for the documentation.
        readers: programs known to read it; "" when only ours do.
        slack: a number that changes by less than this and less than 1 % is not written again; 0: always is.
        quiet: whether a change is announced neither by `data/updated` nor by touching a watched key.
        lasting: whether it stays true, and in the store, after the agent has gone.
        shared: what is refused together with it when the store says EACCES; "" for the key alone, or for the
            part of the path before the first brace.
    """

    path: str
    kind: str
    subject: str
    priority: int
    meaning: str
    readers: str = ""
    slack: int = 0
    quiet: bool = False
    lasting: bool = False
    shared: str = ""

    @property
    def root(self) -> str:
        """The directory that is all ours, for a pattern with braces; the key itself for one without."""
        return self.path.split("/{", 1)[0]

    @property
    def varying(self) -> tuple[str, ...]:
        """The segments with braces."""
        return tuple(part for part in self.path.split("/") if part[0] == "{")

    @property
    def group(self) -> str:
        """The subject without what varies."""
        return self.subject.split(":", 1)[0]

    @property
    def watched(self) -> bool:
        """Whether xenopsd notices a change by itself."""
        return self.path.startswith(WATCHED)

    def subject_of(self, varying: tuple[str, ...]) -> str:
        """The subject of one key, given what stands for the braces of its path."""
        head, brace, _ = self.subject.partition("{")
        return head + varying[0] if brace else head


XAPI = "xapi (guest metrics)"
FEATURES = {
    "sysprep": "generalise the guest (`VM.sysprep`)",
    "xs-batcmd": "run a script of at most 1 KiB (`control/batcmd`)",
    "static-ip-setting": "set addresses (`xenserver/device/vif/N/static-ip-setting`)",
    "setcomputername": "set the host name (`control/setcomputername`)",
    "poweroff": "power off (`control/shutdown`)",
    "reboot": "reboot (`control/shutdown`)",
    "suspend": "suspend (`control/shutdown`)",
    "exec": "run commands and named services with streams",
    "file": "read and write files",
    "clipboard": "pass a session's clipboard both ways",
    "fsfreeze": "freeze file systems for a snapshot",
    "settime": "set the clock",
}
OF_KERNEL = frozenset(("poweroff", "reboot", "suspend"))  # on Xen the kernel offers these itself
KERNEL_KEYS = frozenset(f"control/feature-{name}" for name in OF_KERNEL)


def _row(
    path: str, kind: str, subject: str, priority: int, meaning: str, readers: str = "", **more: Any
) -> Row:
    return Row(
        path=path, kind=kind, subject=subject, priority=priority, meaning=meaning, readers=readers, **more
    )


def _addresses(root: str, subject: str, priority: int, readers: str) -> tuple[Row, ...]:
    rows = []
    for kind in ("ipv4", "ipv6"):
        path = f"{root}/{kind}/{{m}}"
        rows.append(_row(path, kind, subject, priority, "address; those of global scope first", readers))
        rows.append(_row(f"{path}/prefix", "integer", subject, priority, "length of the network prefix"))
    return tuple(rows)


_VERSION = (
    _row(
        "attr/PVAddons/Installed",
        "flag",
        "version",
        0,
        "an agent is there; written again so that the host looks at changes below `data/`",
    ),
    _row(
        "attr/PVAddons/MajorVersion", "integer", "version", 0, "at least 1: 0 would count as no agent", XAPI
    ),
    _row("attr/PVAddons/MinorVersion", "integer", "version", 0, "version of the agent", XAPI),
    _row("attr/PVAddons/MicroVersion", "integer", "version", 0, "version of the agent", XAPI),
    _row("attr/PVAddons/BuildVersion", "integer", "version", 0, "0: text would make all unknown", XAPI),
    _row(
        "attr/PVAddons/NotUpgradable",
        "flag",
        "version",
        0,
        "`/etc/pv-drivers-not-upgradable` exists: the tools count as up to date",
    ),
    _row("data/guestwright/agent/version", "text", "agent", 1, "version of the agent"),
    _row(
        "data/guestwright/agent/omitted",
        "integer",
        "agent",
        1,
        "how many keys are left out because nodes are scarce",
        quiet=True,
    ),
    _row(
        "data/updated",
        "integer",
        "stamp",
        0,
        "counts publications: written when the first one is complete and the balloon has settled, then after"
        " changes that move no watched key",
        "squeezed (existence)",
        lasting=True,
    ),
)

_SYSTEM = (
    _row("data/os_name", "text", "os", 2, "name and version, for people", XAPI, lasting=True),
    _row("data/os_distro", "token", "os", 2, "`ID` of os-release, lower case", XAPI, lasting=True),
    _row("data/os_majorver", "integer", "os", 2, "major version", XAPI, lasting=True),
    _row("data/os_minorver", "integer", "os", 2, "minor version", XAPI, lasting=True),
    _row("data/os_uname", "text", "os", 2, "release of the kernel", XAPI, lasting=True),
    _row("data/guestwright/os/family", "token", "os", 2, "`linux`, `freebsd`, `windows`", lasting=True),
    _row("data/guestwright/os/architecture", "token", "os", 2, "as the kernel names it", lasting=True),
    _row("data/host_name", "text", "host", 2, "host name without domain", lasting=True),
    _row("data/host_name_dns", "text", "host", 2, "host name without domain", XAPI, lasting=True),
    _row("data/domain", "text", "host", 2, "DNS domain, if there is one", XAPI, lasting=True),
    _row("data/guestwright/host/fqdn", "text", "host", 2, "host name with domain", lasting=True),
    _row("data/guestwright/host/timezone", "text", "host", 2, "as `Europe/London`", lasting=True),
    _row("data/guestwright/host/utc-offset", "integer", "host", 2, "seconds east of Greenwich", lasting=True),
    _row("data/meminfo_total", "integer", "memory", 2, "memory of the guest, kB", XAPI, quiet=True),
    _row(
        "data/meminfo_free",
        "integer",
        "memory",
        2,
        "memory to be had without swapping, kB",
        "xcp-rrdd-squeezed",
        slack=1024,
        quiet=True,
    ),
    _row("data/boot/state", "token", "boot", 2, "`booting`, then `up`", lasting=True),
    _row("data/guestwright/identity/machine-id", "token", "identity", 6, "a hash of it", lasting=True),
    _row(
        "data/guestwright/identity/ssh/{m}",
        "text",
        "identity",
        6,
        "type and SHA-256 fingerprint of an SSH host key, as `ssh-keygen -l` prints them",
        lasting=True,
    ),
)

_BALLOON = (
    _row(
        "control/feature-balloon",
        "flag",
        "control",
        1,
        "there is a balloon driver, and it has settled; absent otherwise, never 0",
        "squeezed (existence)",
        lasting=True,
    ),
    _row("control/balloon-active", "integer", "control", 1, "1 while the balloon moves, else 0", "xenopsd"),
    _row(
        "data/balloon/current",
        "integer",
        "balloon",
        2,
        "memory that the guest has, kB",
        slack=1024,
        quiet=True,
    ),
    _row("data/balloon/target", "integer", "balloon", 2, "memory that it shall have, kB"),
    _row("data/balloon/settled", "integer", "balloon", 2, "1 when the target is reached and kept, else 0"),
    _row("data/balloon/stuck", "text", "balloon", 2, "why the target is not approached any more"),
)

_NETWORK = (
    _row("attr/vif/{n}/name", "text", "nic:vif-{n}", 3, "what the guest calls it"),
    _row("attr/vif/{n}/mac/{m}", "mac", "nic:vif-{n}", 3, "MAC address"),
    *_addresses("attr/vif/{n}", "nic:vif-{n}", 3, XAPI),
    _row("xenserver/attr/net-sriov-vf/{n}/name", "text", "sriov:{n}", 3, "what the guest calls it"),
    _row("xenserver/attr/net-sriov-vf/{n}/mac/{m}", "mac", "sriov:{n}", 3, "MAC address"),
    *_addresses("xenserver/attr/net-sriov-vf/{n}", "sriov:{n}", 3, XAPI),
    _row("data/net/version", "text", "nic", 4, "version of the layout below `data/net`"),
    _row(
        "data/net/{id}/kind",
        "token",
        "nic:{id}",
        4,
        "`vif`, `sriov`, `pci`, `usb`, `virtio`, `bridge`, `bond`, `team`, `vlan`, `macvlan`, `vrf`",
    ),
    _row("data/net/{id}/name", "text", "nic:{id}", 4, "what the guest calls it"),
    _row("data/net/{id}/mac", "mac", "nic:{id}", 4, "MAC address"),
    _row("data/net/{id}/state", "token", "nic:{id}", 4, "`up`, `no-carrier`, `down`"),
    _row("data/net/{id}/vif", "integer", "nic:{id}", 4, "number of the VIF, or of the SR-IOV function"),
    _row("data/net/{id}/bus", "text", "nic:{id}", 5, "where it is plugged in, as the guest writes it"),
    _row("data/net/{id}/driver", "text", "nic:{id}", 5, "kernel driver"),
    _row("data/net/{id}/mtu", "integer", "nic:{id}", 5, "bytes"),
    _row("data/net/{id}/speed", "integer", "nic:{id}", 5, "Mbit/s"),
    _row("data/net/{id}/vlan", "integer", "nic:{id}", 4, "VLAN id"),
    _row("data/net/{id}/master", "token", "nic:{id}", 4, "id of the bridge, bond or VRF that it is part of"),
    _row("data/net/{id}/members", "list", "nic:{id}", 4, "ids of the NICs below, with blanks between"),
    _row("data/net/{id}/guid", "text", "nic:{id}", 4, "bridge id, unique in the guest"),
    *_addresses("data/net/{id}", "nic:{id}", 4, ""),
    *(
        _row(
            f"data/net/{{id}}/{kind}/{{m}}/flags",
            "list",
            "nic:{id}",
            5,
            "of `temporary`, `deprecated`, `tentative`, `dynamic`",
        )
        for kind in ("ipv4", "ipv6")
    ),
)

_STORAGE = (
    _row("data/volumes/{m}/name", "text", "volumes", 7, "device, with the UUID between parentheses"),
    _row("data/volumes/{m}/size", "integer", "volumes", 7, "bytes"),
    _row(
        "data/volumes/{m}/free",
        "integer",
        "volumes",
        7,
        "bytes for ordinary users",
        slack=1 << 20,
        quiet=True,
    ),
    _row("data/volumes/{m}/filesystem", "token", "volumes", 7, "type of the file system"),
    _row("data/volumes/{m}/volume_name", "text", "volumes", 7, "label"),
    _row("data/volumes/{m}/mount_points/{m}", "text", "volumes", 7, "where it is mounted"),
    _row("data/guestwright/disks/{m}/name", "text", "disks", 7, "device name"),
    _row("data/guestwright/disks/{m}/size", "integer", "disks", 7, "bytes"),
    _row("data/guestwright/disks/{m}/serial", "text", "disks", 8, "serial number"),
    _row("data/guestwright/disks/{m}/vbd", "integer", "disks", 7, "number of the Xen block device"),
)

_USERS = (
    _row("data/guestwright/users/{m}/name", "text", "users", 8, "user who is logged in"),
    _row("data/guestwright/users/{m}/line", "text", "users", 8, "terminal"),
    _row("data/guestwright/users/{m}/host", "text", "users", 8, "where from"),
    _row("data/guestwright/users/{m}/since", "integer", "users", 8, "seconds since 1970"),
)

_FEATURES = (
    *(
        _row(f"control/feature-{name}", "flag", "control", 1, meaning, XAPI, shared="control/feature-*")
        for name, meaning in FEATURES.items()
    ),
    _row(
        "data/guestwright/features/{id}",
        "text",
        "features",
        1,
        "1, or why the guest does not offer it (`disabled in the guest`); written also where `control/` is"
        " read-only",
    ),
)

_SERVICES = (
    _row(
        "data/service/guestwright/{id}",
        "flag",
        "services",
        8,
        "a service of the owner's that the host may run by name (`exec`)",
        XAPI,
    ),
)

ROWS = _VERSION + _FEATURES + _SYSTEM + _BALLOON + _NETWORK + _STORAGE + _USERS + _SERVICES


def _tree() -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for row in ROWS:
        *above, name = ("*" if part[0] == "{" else part for part in row.path.split("/"))
        place = tree
        for part in above:
            place = place.setdefault(part, {})
        place.setdefault(name, {})[""] = row
    return tree


_TREE = _tree()


def rank(path: str) -> int:
    """How early a key is given up when nodes are scarce: the highest first. Unknown keys are first of all."""
    found = find(path)
    if found is None:
        return 1000
    row, varying = found
    index = varying[row.varying.index("{m}")] if "{m}" in row.path else "0"
    return row.priority + (int(index) >> 3 if index.isdigit() else 1000)


def find(path: str) -> tuple[Row, tuple[str, ...]] | None:
    """The row of a path and what stands for its braces; None when the table has no such key."""
    if path in _FOUND:
        return _FOUND[path]
    if len(_FOUND) >= _FOUND_MAX:
        _FOUND.clear()
    _FOUND[path] = found = _find(path)
    return found


_FOUND: dict[str, tuple[Row, tuple[str, ...]] | None] = {}  # the same few paths are asked for again and again
_FOUND_MAX = 600


def _find(path: str) -> tuple[Row, tuple[str, ...]] | None:
    place = _TREE
    varying: list[str] = []
    for part in path.split("/"):
        below = place.get(part)
        if below is None:
            below = place.get("*")
            varying.append(part)
        if below is None or not part:
            return None
        place = below
    row = place.get("")
    return None if row is None else (row, tuple(varying))
