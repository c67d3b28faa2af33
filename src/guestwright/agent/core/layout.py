"""From facts to keys: what the store shall hold.

Theory of operation: keys come in parts, of which each depends on a few facts. While these are the same, a
part is the same object, so that whoever compares two layouts has to look at changed parts only. Parts never
share a directory below a row's root.
"""

from __future__ import annotations

from guestwright.agent.core import budget, nics, schema
from guestwright.agent.core.text import digits, is_name, text, token

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from guestwright.agent.core.facts import Facts

    Maker = Callable[..., Iterator[tuple[str, bytes]]]

# Directories whose children have a `mac` that the host wrote; `desired` takes what was read there.
TOLD = (nics.VIF_MACS, nics.SRIOV_MACS)
_COUNTED_MAX = 128  # parts
LISTED_MAX = 32  # most disks, file systems and the like
UPDATED = "data/updated"


class Layout:
    """Lays facts out again and again; see above.

    Attributes:
        parts: keys by the name of the part.
        shape: another object whenever parts may have exchanged keys: then they cannot be compared one by one.
    """

    def __init__(self) -> None:
        self._inputs: dict[str, tuple[object, ...]] = {}
        self._network = nics.Network()
        self._own: dict[str, dict[str, bytes]] = {}
        self._counted: dict[int, tuple[object, int]] = {}  # by id(); the parts are kept, so that ids hold
        self.parts: dict[str, dict[str, bytes]] = {}

    @property
    def shape(self) -> object:
        """See above."""
        return self._network.shape

    def update(self, facts: Facts, offers: Mapping[str, str], told: Mapping[str, str]) -> None:
        """Take what is known now; the arguments are those of `desired`."""
        storage, system = (facts.filesystems, facts.disks), (facts.system, facts.host, facts.memory)
        self._part("version", _version, facts, (facts.version, facts.not_upgradable, facts.balloon))
        self._part("features", _features, facts, (facts.channel, dict(offers)), offers)
        self._part("services", _services, facts, (facts.services,))
        self._part("balloon", _balloon, facts, (facts.balloon,))
        self._part("system", _system, facts, (*system, facts.boot))
        self._part("identity", _identity, facts, (facts.identity,))
        self._part("storage", _storage, facts, storage)
        self._part("users", _users, facts, (facts.users,))
        found = self._network.update(facts.nics, told)
        self.parts = {**self._own, **{f"nic:{name}": keys for name, keys in found.items()}}

    def fits(self) -> bool:
        """Whether all keys are few enough."""
        # A key needs at most as many nodes as it has slashes, which are soon counted.
        if sum("".join(keys).count("/") for keys in self.parts.values()) <= budget.NODES_MAX:
            return True
        return sum(map(self._nodes, self.parts.values())) <= budget.NODES_MAX

    def keys(self) -> dict[str, bytes]:
        """All keys, as many as are allowed."""
        return budget.fit(
            {path: value for keys in self.parts.values() for path, value in keys.items()}, budget.NODES_MAX
        )

    def _part(self, name: str, make: Maker, facts: Facts, inputs: tuple[object, ...], *more: Any) -> None:
        if self._inputs.get(name) != inputs:
            self._inputs[name] = inputs
            self._own[name] = {path: value for path, value in make(facts, *more) if value}

    def _nodes(self, keys: dict[str, bytes]) -> int:
        """How many nodes a part needs by itself; counted once."""
        known = self._counted.get(id(keys))
        if known is None or known[0] is not keys:
            if len(self._counted) >= _COUNTED_MAX:
                self._counted.clear()
            known = self._counted[id(keys)] = (keys, budget.count(keys))
        return known[1]


def desired(facts: Facts, offers: Mapping[str, str], told: Mapping[str, str]) -> dict[str, bytes]:
    """The keys that the store shall hold.

    Args:
        facts: what is known.
        offers: features by name without "feature-" ("sysprep", "exec"): "1", or why the guest does not offer
            it ("disabled in the guest").
        told: what the host wrote and the agent has read: relative path to value, as
            "xenserver/device/net-sriov-vf/0/mac"; see `TOLD`.

    Returns:
        Relative path to value, without directories; at most `budget.NODES_MAX` nodes. `data/updated` is there
        when it may be written at all.
    """
    layout = Layout()
    layout.update(facts, offers, told)
    return layout.keys()


def _version(facts: Facts) -> Iterator[tuple[str, bytes]]:
    major, minor, micro = facts.version
    addons = "attr/PVAddons/"
    yield addons + "Installed", b"1"
    yield addons + "MajorVersion", b"%d" % max(1, major)
    yield addons + "MinorVersion", b"%d" % minor
    yield addons + "MicroVersion", b"%d" % micro
    yield addons + "BuildVersion", b"0"
    yield addons + "NotUpgradable", b"1" if facts.not_upgradable else b""
    yield "data/guestwright/agent/version", b"%d.%d.%d" % (major, minor, micro)
    if facts.balloon is None or facts.balloon.ready:
        yield UPDATED, b"1"


def _features(facts: Facts, offers: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    for name, state in offers.items():
        if not is_name(name):
            continue
        of_kernel = facts.channel == "xen" and name in schema.OF_KERNEL
        if state == "1" and name in schema.FEATURES and not of_kernel:
            yield f"control/feature-{name}", b"1"
        yield f"data/guestwright/features/{name}", text(state)


def _services(facts: Facts) -> Iterator[tuple[str, bytes]]:
    for name in facts.services[:LISTED_MAX]:
        if is_name(name):
            yield f"data/service/guestwright/{name}", b"1"


def _balloon(facts: Facts) -> Iterator[tuple[str, bytes]]:
    balloon = facts.balloon
    if balloon is None:
        return
    moving = not balloon.settled and not balloon.stuck
    yield "control/feature-balloon", b"1" if balloon.supported else b""
    yield "control/balloon-active", b"%d" % moving
    yield "data/balloon/current", b"%d" % balloon.current
    yield "data/balloon/target", b"%d" % balloon.target
    yield "data/balloon/settled", b"%d" % balloon.settled
    yield "data/balloon/stuck", text(balloon.stuck)


def _system(facts: Facts) -> Iterator[tuple[str, bytes]]:
    system, host = facts.system, facts.host
    yield "data/os_name", text(system.name)
    yield "data/os_distro", token(system.distro)
    yield "data/os_majorver", digits(system.major)
    yield "data/os_minorver", digits(system.minor)
    yield "data/os_uname", text(system.uname)
    yield "data/guestwright/os/family", token(system.family)
    yield "data/guestwright/os/architecture", token(system.architecture)
    name = text(host.name)
    yield "data/host_name", name
    yield "data/host_name_dns", name
    if name:
        yield "data/domain", text(host.domain)
        yield "data/guestwright/host/fqdn", text(f"{host.name}.{host.domain}" if host.domain else host.name)
    yield "data/guestwright/host/timezone", text(host.timezone)
    if host.utc_offset is not None:
        yield "data/guestwright/host/utc-offset", b"%d" % host.utc_offset
    yield "data/boot/state", token(facts.boot)
    if facts.memory is not None:
        yield "data/meminfo_total", b"%d" % facts.memory.total
        yield "data/meminfo_free", b"%d" % facts.memory.free


def _identity(facts: Facts) -> Iterator[tuple[str, bytes]]:
    yield "data/guestwright/identity/machine-id", token(facts.identity.machine_id)
    for index, fingerprint in enumerate(facts.identity.ssh[:LISTED_MAX]):
        yield f"data/guestwright/identity/ssh/{index}", text(fingerprint)


def _storage(facts: Facts) -> Iterator[tuple[str, bytes]]:
    for index, one in enumerate(facts.filesystems[:LISTED_MAX]):
        root = f"data/volumes/{index}"
        yield f"{root}/name", text(f"{one.device}({one.uuid})" if one.uuid else one.device)
        yield f"{root}/size", b"%d" % one.size
        yield f"{root}/free", b"%d" % one.free
        yield f"{root}/filesystem", token(one.kind)
        yield f"{root}/volume_name", text(one.label)
        for number, mount in enumerate(one.mounts[:4]):
            yield f"{root}/mount_points/{number}", text(mount)
    for index, disk in enumerate(facts.disks[:LISTED_MAX]):
        root = f"data/guestwright/disks/{index}"
        yield f"{root}/name", text(disk.name)
        yield f"{root}/size", b"%d" % disk.size
        yield f"{root}/serial", text(disk.serial)
        if disk.vbd is not None:
            yield f"{root}/vbd", b"%d" % disk.vbd


def _users(facts: Facts) -> Iterator[tuple[str, bytes]]:
    for index, user in enumerate(facts.users[:LISTED_MAX]):
        root = f"data/guestwright/users/{index}"
        yield f"{root}/name", text(user.name)
        yield f"{root}/line", text(user.line)
        yield f"{root}/host", text(user.host)
        yield f"{root}/since", b"%d" % user.since
