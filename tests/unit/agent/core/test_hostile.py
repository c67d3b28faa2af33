"""A hundred thousand hostile states of the store: no crash, no endless work, and all is well after them."""

from __future__ import annotations

from random import Random

import pytest

from guestwright.agent.core import schema
from guestwright.agent.core.facts import Facts, Nic
from guestwright.agent.core.layout import desired
from guestwright.agent.core.publish import UPDATED, Batch, Published
from guestwright.base.record import replace
from tests.support.agent_facts import GLOBAL4, GLOBAL6, LINK6, bridge, complete, vif
from tests.support.agent_store import ModelStore, drive

ERRORS = (
    "EACCES",
    "EINVAL",
    "ENOSPC",
    "E2BIG",
    "ENOMEM",
    "ENOENT",
    "EROFS",
    "EIO",
    "EPERM",
    "EBUSY",
    "ENOSYS",
    "?",
)
COMMIT_ERRORS = ("EAGAIN", "EAGAIN", "ENOSPC", "EIO")
ROOTS = sorted({row.root for row in schema.ROWS})
FEWER = ("mtu", "driver", "state", "mac/0", "mac", "vif", "prefix", "flags", "guid", "version", "Version")
SUBJECTS = ("nic", "os", "stamp", "control", "nic:vif-0", "features", "version", "balloon")
STATES, PARTS, LOOKS = 100_000, 8, 50


def _variants() -> list[dict[str, bytes]]:
    """What several guests want to publish, small enough to be fast."""
    full = complete()
    nics = (
        (),
        (vif(0),),
        (vif(0, GLOBAL4),),
        (vif(0, LINK6, GLOBAL6), vif(1, GLOBAL4)),
        (vif(0), bridge(7, ("vif-0",), GLOBAL4)),
        (Nic(id="pci-1", kind="pci", name="p", mac="00:16:3e:00:00:09", addresses=(GLOBAL4,)),),
    )
    small = Facts(system=replace(full.system, uname="", architecture=""), memory=full.memory)
    told = {"xenserver/device/net-sriov-vf/0/mac": "00:16:3e:00:00:09"}
    found = [
        desired(replace(small, nics=some, balloon=balloon), offers, told)
        for some in nics
        for offers in ({}, {"sysprep": "1", "exec": "disabled in the guest"})
        for balloon in (None, full.balloon)
    ]
    return [{path: value for path, value in one.items() if not path.endswith(FEWER)} for one in found]


VARIANTS = _variants()


class Hostile:
    """A store that changes its mind.

    Args:
        random: decides.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.store = ModelStore(transactions=random.random() < 0.5)
        self.published = Published()
        self.now = 0.0
        self.conflicts: frozenset[str] = frozenset()
        self.states = 0

    def change(self) -> None:
        """Become something else, between two looks of the agent."""
        kind = self.random.randrange(8)
        if kind == 0:
            self.published.lost()
        elif kind == 1:
            self.calm()
        else:
            self.race()
        self.now += self.random.choice((0, 0.01, 1, 60, 7200))

    def race(self) -> None:
        """Become something else, even while the agent works."""
        random = self.random
        kind = random.randrange(6)
        self.states += 1
        if kind == 0:
            self._refuse_some()
        elif kind == 1:
            self.store.limit = random.choice((0, 5, 20, 50, 100, 1000))
        elif kind == 2:
            self._leave_something()
        elif kind == 3:
            self._take_something()
        elif kind == 4:
            self.conflicts = frozenset(random.sample(SUBJECTS, 2))

    def calm(self) -> None:
        """Refuse nothing any more."""
        self.store.refuses = None
        self.store.limit = 1000
        self.conflicts = frozenset()

    def conflict(self, batch: Batch) -> str:
        """Whether a commit fails; after that, the store may be another."""
        if self.random.random() < 0.5:
            self.race()
        return self.random.choice(COMMIT_ERRORS) if batch.subject in self.conflicts else ""

    def _refuse_some(self) -> None:
        """Refuse by path, by kind of operation, or by chance."""
        random = self.random
        error = random.choice(ERRORS)
        roots = tuple(random.sample(ROOTS, random.randrange(1, 9)))
        verbs = random.choice((("write",), ("rm",), ("write", "rm")))
        chance = random.choice((0.01, 0.5, 1))
        self.store.refuses = lambda verb, path, value: (
            error if verb in verbs and path.startswith(roots) and random.random() < chance else ""
        )

    def _leave_something(self) -> None:
        """Somebody else writes: wrong types, huge values, directories where keys belong."""
        random = self.random
        path = random.choice(ROOTS) + random.choice(("", "/x", "/0/ipv4/y", "/0/0/0/0/0/0"))
        size = random.choice((0, 1, 4000))
        self.store.apply(Batch(subject="", ops=(("write", path, b"\xff" * size),)))

    def _take_something(self) -> None:
        """Somebody else removes."""
        path = self.random.choice(ROOTS)
        self.store.apply(Batch(subject="", ops=(("rm", path, b""),)))


@pytest.mark.parametrize("part", range(PARTS))
def test_hostile_states(part: int) -> None:
    states, seed = 0, part
    while states * PARTS < STATES:
        hostile = Hostile(Random(seed))
        for _ in range(LOOKS):
            hostile.change()
            publish(hostile, hostile.random.choice(VARIANTS))
        states += hostile.states
        seed += PARTS
        hostile.calm()
        hostile.published.lost()
        wanted = hostile.random.choice(VARIANTS)
        drive(hostile.published, hostile.store, wanted, hostile.now)
        assert not difference(hostile.store.values(), wanted), seed


def publish(hostile: Hostile, wanted: dict[str, bytes]) -> None:
    """Publish until nothing is left to do at this time, which must come soon."""
    drive(hostile.published, hostile.store, wanted, hostile.now, rounds=200, busy=hostile.conflict)
    retry = hostile.published.next_retry()
    assert retry is None or retry > hostile.now


def difference(held: dict[str, bytes], wanted: dict[str, bytes]) -> set[str]:
    """The keys of ours that are not as wanted."""
    ours = {path for path in held if schema.find(path)} - schema.KERNEL_KEYS
    return {path for path in (ours | set(wanted)) - {UPDATED} if held.get(path) != wanted.get(path)}
