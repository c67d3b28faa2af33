"""From keys to typed facts: the agent's own records, filled by who does not believe the agent.

Theory of operation: every value is checked on its own, and one that is wrong is as if it were not there; a
record of facts with a hole is better than none. Lists (addresses, disks) are read by their numbers, not by
counting up, and are bounded. Agents of the XAPI era write a part of the same keys and need no other reader.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from guestwright.agent.core import schema
from guestwright.agent.core.facts import (
    Address,
    Balloon,
    Disk,
    Filesystem,
    Host,
    Identity,
    Memory,
    Nic,
    System,
    User,
)
from guestwright.base.record import record, replace
from guestwright.host.facts.intake import Keys
from guestwright.host.facts.tools import Tools, tools
from guestwright.host.facts.values import address, canonical, flag, integer, line, mac, scope, token

LIST_MAX: Final = 256  # addresses of a NIC, file systems, disks
NICS_MAX: Final = 128
_VERSION_MAJOR: Final = schema.VERSION.partition(".")[0]
_DAY: Final = 86400


@record
class Told:
    """All that a guest says.

    Attributes:
        tools: versions.
        system: the operating system.
        host: names.
        memory: None when it is not told.
        balloon: None when no agent reports on it.
        nics: of `data/net` where that is there, else of `attr/vif` and SR-IOV.
        filesystems: mounted ones.
        disks: whole ones.
        users: sessions.
        identity: hashes.
        features: name without "feature-" to "1" or the reason why not.
        boot: "booting", "up" or "".
        published: whether `data/updated` is there.
    """

    tools: Tools
    system: System
    host: Host
    memory: Memory | None
    balloon: Balloon | None
    nics: tuple[Nic, ...]
    filesystems: tuple[Filesystem, ...]
    disks: tuple[Disk, ...]
    users: tuple[User, ...]
    identity: Identity
    features: Mapping[str, str]
    boot: str
    published: bool


def decode(keys: Keys) -> Told:
    """What a guest says."""
    return Told(**{name: read(keys) for name, (read, _) in _FIELDS.items()})


def decode_again(keys: Keys, before: Told, paths: Iterable[str]) -> Told:
    """What a guest says, after some of its keys have changed.

    Args:
        keys: as they are now.
        before: what `decode` made of them as they were.
        paths: of the keys that have come, gone or changed.

    Returns:
        The same as `decode`; fields that none of the keys belongs to are the objects of `before`.
    """
    touched = tuple(paths)
    changed = {
        name: read(keys)
        for name, (read, prefixes) in _FIELDS.items()
        if any(path.startswith(prefixes) for path in touched)
    }
    return replace(before, **changed) if changed else before


def _memory(keys: Keys) -> Memory | None:
    total, free = integer(keys.get("data/meminfo_total")), integer(keys.get("data/meminfo_free"))
    return None if total is None or free is None or free > total else Memory(total=total, free=free)


def _boot(keys: Keys) -> str:
    state = keys.get("data/boot/state") or ""
    return state if state in ("booting", "up") else ""


def _published(keys: Keys) -> bool:
    return "data/updated" in keys.values


def _system(keys: Keys) -> System:
    def number(path: str) -> str:
        text = keys.get(path)
        return "" if integer(text) is None else text or ""

    return System(
        name=line(keys.get("data/os_name")),
        distro=token((keys.get("data/os_distro") or "").lower()),
        major=number("data/os_majorver"),
        minor=number("data/os_minorver"),
        uname=line(keys.get("data/os_uname")),
        family=token(keys.get("data/guestwright/os/family")),
        architecture=token(keys.get("data/guestwright/os/architecture")),
    )


def _host(keys: Keys) -> Host:
    return Host(
        name=line(keys.get("data/host_name") or keys.get("data/host_name_dns")),
        domain=line(keys.get("data/domain")),
        timezone=line(keys.get("data/guestwright/host/timezone")),
        utc_offset=integer(keys.get("data/guestwright/host/utc-offset"), least=-_DAY, most=_DAY),
    )


def _balloon(keys: Keys) -> Balloon | None:
    current = integer(keys.get("data/balloon/current"))
    target = integer(keys.get("data/balloon/target"))
    if current is None or target is None:
        return None
    return Balloon(
        current=current,
        target=target,
        settled=flag(keys.get("data/balloon/settled")) is True,
        ready="data/updated" in keys.values,
        supported="control/feature-balloon" in keys.values or _follows(keys),
        stuck=line(keys.get("data/balloon/stuck")),
    )


def _nics(keys: Keys) -> tuple[Nic, ...]:
    version = keys.get("data/net/version") or ""
    if version.partition(".")[0] == _VERSION_MAJOR:
        names = [one for one in keys.children("data/net") if one != "version"][:NICS_MAX]
        return tuple(_nic(keys, name) for name in sorted(names, key=_natural))
    found = []
    for root, kind in (("attr/vif", "vif"), ("xenserver/attr/net-sriov-vf", "sriov")):
        for name in keys.children(root)[:NICS_MAX]:
            number = integer(name, most=65535)
            if number is not None:
                found.append(
                    Nic(
                        id=f"{kind}-{number}",
                        kind=kind,
                        name=line(keys.get(f"{root}/{name}/name")),
                        mac=mac(keys.get(f"{root}/{name}/mac/0")),
                        up=True,
                        vif=number,
                        addresses=tuple(_addresses(keys, f"{root}/{name}")),
                    )
                )
    return tuple(sorted(found[:NICS_MAX], key=lambda nic: (nic.kind != "vif", nic.vif)))


def _natural(name: str) -> tuple[str, int, str]:
    """By kind, then by number: vif-2 before vif-10."""
    kind, _, number = name.partition("-")
    return kind, integer(number, most=65535) or 0, number


def _nic(keys: Keys, name: str) -> Nic:
    root = f"data/net/{name}"
    state = keys.get(f"{root}/state")
    return Nic(
        id=name,
        kind=token(keys.get(f"{root}/kind")),
        name=line(keys.get(f"{root}/name")),
        mac=mac(keys.get(f"{root}/mac")),
        mtu=integer(keys.get(f"{root}/mtu"), most=1 << 20) or 0,
        up=state in ("up", "no-carrier"),
        carrier={"up": True, "no-carrier": False}.get(state or ""),
        speed=integer(keys.get(f"{root}/speed")),
        driver=line(keys.get(f"{root}/driver")),
        bus=line(keys.get(f"{root}/bus")),
        vif=integer(keys.get(f"{root}/vif"), most=65535),
        members=tuple((keys.get(f"{root}/members") or "").split()[:NICS_MAX]),
        master=line(keys.get(f"{root}/master"), 64),
        vlan=integer(keys.get(f"{root}/vlan"), most=4095),
        guid=line(keys.get(f"{root}/guid")),
        addresses=tuple(_addresses(keys, root)),
    )


def _addresses(keys: Keys, root: str) -> Iterator[Address]:
    for family, longest in ((4, 32), (6, 128)):
        for index in _numbers(keys, f"{root}/ipv{family}"):
            path = f"{root}/ipv{family}/{index}"
            text = address(keys.get(path), family)
            if not text:
                continue
            prefix = integer(keys.get(f"{path}/prefix"), most=longest)
            flags = (keys.get(f"{path}/flags") or "").split()
            yield Address(
                family=family,
                address=canonical(text),
                prefix=longest if prefix is None else prefix,
                scope=scope(text),
                temporary="temporary" in flags,
                deprecated="deprecated" in flags,
                tentative="tentative" in flags,
                dynamic="dynamic" in flags,
            )


def _filesystems(keys: Keys) -> Iterator[Filesystem]:
    for index in _numbers(keys, "data/volumes"):
        root = f"data/volumes/{index}"
        size, free = integer(keys.get(f"{root}/size")), integer(keys.get(f"{root}/free"))
        name = line(keys.get(f"{root}/name"))
        if size is None or free is None or free > size or not name:
            continue
        device, bracket, uuid = name.rpartition("(")
        mounts = (keys.get(f"{root}/mount_points/{one}") for one in _numbers(keys, f"{root}/mount_points"))
        yield Filesystem(
            device=device if bracket and uuid.endswith(")") else name,
            kind=line(keys.get(f"{root}/filesystem")),
            size=size,
            free=free,
            mounts=tuple(line(one) for one in mounts if line(one)),
            uuid=uuid[:-1] if bracket and uuid.endswith(")") else "",
            label=line(keys.get(f"{root}/volume_name")),
        )


def _disks(keys: Keys) -> Iterator[Disk]:
    for index in _numbers(keys, "data/guestwright/disks"):
        root = f"data/guestwright/disks/{index}"
        name, size = line(keys.get(f"{root}/name")), integer(keys.get(f"{root}/size"))
        if name and size is not None:
            yield Disk(
                name=name,
                size=size,
                serial=line(keys.get(f"{root}/serial")),
                vbd=integer(keys.get(f"{root}/vbd")),
            )


def _users(keys: Keys) -> Iterator[User]:
    for index in _numbers(keys, "data/guestwright/users"):
        root = f"data/guestwright/users/{index}"
        name = line(keys.get(f"{root}/name"))
        if name:
            yield User(
                name=name,
                line=line(keys.get(f"{root}/line")),
                host=line(keys.get(f"{root}/host")),
                since=integer(keys.get(f"{root}/since")) or 0,
            )


def _identity(keys: Keys) -> Identity:
    root = "data/guestwright/identity"
    ssh = (line(keys.get(f"{root}/ssh/{index}")) for index in _numbers(keys, f"{root}/ssh"))
    return Identity(machine_id=token(keys.get(f"{root}/machine-id")), ssh=tuple(one for one in ssh if one))


def _follows(keys: Keys) -> bool:
    """Whether the guest reports that its balloon has settled; where plain libxl lets it write no feature.

    Facts: libxl gives the guest nothing below `control` but what it makes there itself (libxl_create.c), so
    an agent's feature-balloon is refused; it publishes for the first time once the balloon has settled.
    """
    return "data/balloon/settled" in keys.values and "data/updated" in keys.values


def _features(keys: Keys) -> dict[str, str]:
    found = {"balloon": "1"} if _follows(keys) else {}
    for name in keys.children("control"):
        value = keys.values[f"control/{name}"]
        if name.startswith("feature-") and value not in ("", "0"):
            found[name[8:]] = "1"
    for name in keys.children("data/guestwright/features"):
        value = line(keys.get(f"data/guestwright/features/{name}"))
        if value and found.get(name) != "1":
            found[name] = value
    return found


def _numbers(keys: Keys, path: str) -> list[str]:
    """Children that are numbers, in their order."""
    found = [one for one in keys.children(path) if integer(one, most=65535) is not None]
    return sorted(found, key=int)[:LIST_MAX]


# Field of `Told` -> what reads it, and where the keys are that it reads.
_FIELDS: Final[Mapping[str, tuple[Callable[[Keys], Any], tuple[str, ...]]]] = {
    "tools": (tools, ("attr/PVAddons", "drivers", "data/guestwright/agent", "data/os_distro")),
    "system": (_system, ("data/os_", "data/guestwright/os")),
    "host": (_host, ("data/host_name", "data/domain", "data/guestwright/host")),
    "memory": (_memory, ("data/meminfo_",)),
    "balloon": (_balloon, ("data/balloon", "data/updated", "control/feature-balloon")),
    "nics": (_nics, ("data/net", "attr/vif", "xenserver/attr/net-sriov-vf")),
    "filesystems": (lambda keys: tuple(_filesystems(keys)), ("data/volumes",)),
    "disks": (lambda keys: tuple(_disks(keys)), ("data/guestwright/disks",)),
    "users": (lambda keys: tuple(_users(keys)), ("data/guestwright/users",)),
    "identity": (_identity, ("data/guestwright/identity",)),
    "features": (
        _features,
        ("control/feature-", "data/guestwright/features", "data/balloon/settled", "data/updated"),
    ),
    "boot": (_boot, ("data/boot/state",)),
    "published": (_published, ("data/updated",)),
}
