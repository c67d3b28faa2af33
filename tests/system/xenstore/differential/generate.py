"""Sequences out of a seed.

Theory of operation: each sequence has a theme, which decides what is frequent in it, because a mixture of
everything seldom gets anywhere near a commit with three conflicts or a full quota. The alphabet of paths is
tiny, so that clients meet. What a step does to the stores is not known here; only the numbers of transactions
are counted, on the assumption that nothing fails.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from guestwright.xenstore.core.wire import (
    CONTROL,
    DIRECTORY,
    DIRECTORY_PART,
    GET_DOMAIN_PATH,
    GET_FEATURE,
    GET_PERMS,
    HEADER,
    INTRODUCE,
    IS_DOMAIN_INTRODUCED,
    MKDIR,
    READ,
    RELEASE,
    RESET_WATCHES,
    RESUME,
    RM,
    SET_PERMS,
    SET_TARGET,
    TRANSACTION_END,
    TRANSACTION_START,
    UNWATCH,
    WATCH,
    WATCH_EVENT,
    WRITE,
)
from tests.system.xenstore.differential.differences import guests
from tests.system.xenstore.differential.steps import Step, Steps

_NAMES: Final = (b"a", b"b", b"c")
_ODD_PATHS: Final = (
    b"/",
    b"",
    b"//",
    b"/a/",
    b"@x",
    b"@releaseDomain",
    b"@introduceDomain",
    b"/a b",
    b"/a.b",
    b"a//b",
    b"/local/domain/",
    b"/@a",
    b"/a\xff",
    b"/local/domain/1",
    b"/local/domain",
    b"/" + b"x" * 2040,
    b"/" + b"x" * 2060,
    b"/local/domain/1/" + b"y" * 2048,
    b"/local/domain/1/" + b"y" * 2049,
    b"z" * 2048,
)
_NUMBERS: Final = (
    b"0",
    b"1",
    b"2",
    b"3",
    b"4",
    b"9",
    b"32752",
    b"",
    b"abc",
    b"-1",
    b"0x1",
    b"70000",
    b"1 ",
    b"01",
)
_TEXT: Final = (b"", b"x", b"yy\0z", b"v" * 100)
_TOKENS: Final = (b"t", b"u", b"", b"1/2")
_LETTERS: Final = (b"n", b"r", b"w", b"b")


class Generator:
    """Makes one sequence.

    Args:
        seed: decides everything.
    """

    def __init__(self, seed: int | str) -> None:
        self.random = random.Random(seed)
        self.sockets = ["a", "b"]
        self.guests = [1, 2]
        self.clients: list[str | int] = [*self.sockets, *self.guests]
        self.open: dict[str | int, list[int]] = {}
        self.last: dict[str | int, int] = {}
        self.watches: dict[str | int, list[bytes]] = {}
        self.steps: Steps = []

    def sequence(self) -> Steps:
        """The sequence."""
        theme = self.random.choices(list(_THEMES), list(_THEMES.values()))[0]
        theme(self)
        return self.steps

    # What steps are made of.

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def who(self) -> str | int:
        return self.random.choice(self.clients)

    def below(self, top: bytes, least: int = 0) -> bytes:
        choose = self.random.choice
        return top + b"".join([b"/" + choose(_NAMES) for _ in range(choose((1, 1, 2, 2, 3)) + least - 1)])

    def path(self) -> bytes:
        kind = self.random.random()
        if kind < 0.03:
            return self.random.choice(_ODD_PATHS)
        if kind < 0.55:
            return self.below(b"")
        if kind < 0.75:
            return self.below(b"")[1:]
        return self.below(b"/local/domain/%d" % self.random.choice((0, 1, 1, 2)))

    def perms(self, most: int = 4) -> bytes:
        choose = self.random.choice
        return b"".join(
            [
                choose(_LETTERS) + b"%d\0" % choose((0, 1, 1, 2, 2, 3, 9))
                for _ in range(choose((1, 1, 2, 2, 3, most)))
            ]
        )

    # Steps.

    def add(self, who: str | int, kind: int, payload: bytes, transaction: int = 0) -> None:
        self.steps.append((who, kind, payload, transaction))

    def begin(self, who: str | int) -> int:
        number = self.last[who] = self.last.get(who, 0) + 1
        self.open.setdefault(who, []).append(number)
        self.add(who, TRANSACTION_START, b"\0")
        return number

    def end(self, who: str | int, number: int) -> None:
        self.open[who].remove(number)
        self.add(who, TRANSACTION_END, b"F\0" if self.chance(0.15) else b"T\0", number)

    def on_node(self, who: str | int, path: bytes, transaction: int) -> None:
        choose = self.random.choice
        kind = choose(_ON_NODES)
        if kind == WRITE:
            payload = path + b"\0" + choose(_TEXT)
        elif kind == SET_PERMS:
            payload = path + b"\0" + self.perms()
        elif kind == DIRECTORY_PART:
            payload = path + b"\0%d\0" % choose((0, 0, 0, 1, 2, 9))
        else:
            payload = path + b"\0"
        self.add(who, kind, payload, transaction)

    def on_watch(self, who: str | int) -> None:
        special = self.chance(0.15)
        path = self.random.choice((b"@introduceDomain", b"@releaseDomain")) if special else self.path()
        payload = path + b"\0" + self.random.choice(_TOKENS) + b"\0"
        known = self.watches.setdefault(who, [])
        if self.chance(0.6):
            known.append(payload)
            self.add(who, WATCH, payload)
        else:
            self.add(who, UNWATCH, self.random.choice([payload, *known]))

    def on_domain(self) -> None:
        who = self.random.choice(self.sockets)
        domid = b"%d\0" % self.random.choice((0, 1, 1, 2, 3, 4))
        kind = self.random.choice(
            (
                INTRODUCE,
                GET_DOMAIN_PATH,
                IS_DOMAIN_INTRODUCED,
                RESUME,
                RELEASE,
                SET_TARGET,
                "s",
                "c",
                "exists",
            )
        )
        if isinstance(kind, str):
            self.steps.append((int(domid[:-1]) or 1, kind))
        elif kind == INTRODUCE:
            self.add(who, kind, domid + b"1\0002\0")
        elif kind == SET_TARGET:
            self.add(who, kind, domid + b"%d\0" % self.random.choice((0, 1, 2, 2, 3)))
        else:
            self.add(who, kind, domid)

    def anything(self) -> None:
        who = self.who()
        mine = self.open.get(who)
        transaction = self.random.choice(mine) if mine and self.chance(0.6) else 0
        kind = self.random.random()
        if kind < 0.72:
            self.on_node(who, self.path(), transaction)
        elif kind < 0.80:
            self.on_watch(who)
        elif kind < 0.87:
            if len(mine or ()) < 3:
                self.begin(who)
        elif kind < 0.94:
            if transaction:
                self.end(who, transaction)
        elif kind < 0.98:
            self.on_domain()
        elif kind < 0.985:
            self.add(who, RESET_WATCHES, b"\0", transaction)
            self.open[who] = []
        elif kind < 0.99 and isinstance(who, str):
            self.steps.append((who, "close"))
            self.open[who] = []
            self.last[who] = 0
        else:
            self.add(who, TRANSACTION_START, b"\0", 77 if self.chance(0.5) else transaction)
            self.on_node(who, self.path(), 77)

    def set_up(self) -> None:
        """Domains, a few permissions, and watches all over."""
        self.steps += guests(*self.guests)
        if self.chance(0.5):
            self.add(
                "a", SET_PERMS, b"/\0" + self.random.choice((b"b0\0", b"r0\0", b"n0\0r1\0", b"w0\0b2\0"))
            )
        for who in self.clients:
            for path in self.random.sample((b"/", b"/a", b"/a/b", b"/local/domain", b"a", b"/a/b/c"), 2):
                self.add(who, WATCH, path + b"\0" + path + b"\0")
                self.watches.setdefault(who, []).append(path + b"\0" + path + b"\0")
        for special in (b"@introduceDomain\0", b"@releaseDomain\0"):
            if self.chance(0.5):
                self.add(self.who(), WATCH, special + b"s\0")
            if self.chance(0.3):
                self.add("a", SET_PERMS, special + self.random.choice((b"r0\0", b"n0\0r1\0")))


def mixture(make: Generator) -> None:
    """Anything, after a usual beginning."""
    make.set_up()
    for _ in range(make.random.randint(8, 30)):
        make.anything()


def transactions(make: Generator) -> None:
    """Pairs of transactions over the same few nodes, with other requests in between."""
    make.steps += guests(1, 2)
    make.add("a", WRITE, b"/s\0")
    make.add("a", SET_PERMS, b"/s\0b0\0")
    for who in make.clients:
        for path in (b"/s", b"/s/a", b"/s/a/b", b"/"):
            if make.chance(0.5):
                make.add(who, WATCH, path + b"\0" + path + b"\0")
    if make.chance(0.3):
        make.add("a", SET_TARGET, b"1\0002\0")
    for _ in range(make.random.randint(1, 3)):
        pair = make.random.sample(make.clients, 2)
        ids = {who: make.begin(who) for who in pair}
        for _ in range(make.random.randint(2, 8)):
            who = make.random.choice(pair)
            top = b"/s" if make.chance(0.85) else b"/local/domain/%d" % make.random.choice((1, 2))
            make.on_node(who, make.below(top), ids[who] if make.chance(0.85) else 0)
        for who in make.random.sample(pair, 2):
            make.end(who, ids[who])


def deaths(make: Generator) -> None:
    """Nodes owned and shared all over, then domains end, and some begin again."""
    make.steps += guests(1, 2, 3)
    make.add("a", SET_PERMS, b"/\0" + make.random.choice((b"r0\0", b"n0\0")))
    watchers: list[str | int] = ["a", "b", 3]
    for who in watchers:
        for path in (b"/", b"@releaseDomain", b"@introduceDomain", b"/x/a/b", b"/local/domain/1/a"):
            if make.chance(0.6):
                make.add(who, WATCH, path + b"\0" + path + b"\0")
    tops = (b"/x", b"/y", b"/local/domain/1", b"/local/domain/2")
    paths = [make.below(make.random.choice(tops)) for _ in range(make.random.randint(3, 12))]
    for path in paths:
        make.add("a", WRITE, path + b"\0v")
        if make.chance(0.8):
            make.add("a", SET_PERMS, make.random.choice(paths) + b"\0" + make.perms())
    if make.chance(0.3):
        make.begin(make.who())
        make.anything()
    for _ in range(make.random.randint(1, 3)):
        domid = make.random.choice((1, 2))
        make.steps.append(
            make.random.choice(
                ((domid, "gone"), (domid, "d"), (domid, "s"), ("a", RELEASE, b"%d\0" % domid, 0))
            )
        )
        for path in make.random.sample(paths, min(3, len(paths))):
            make.add("b", make.random.choice((DIRECTORY, GET_PERMS)), path + b"\0")
        if make.chance(0.6):
            make.steps += guests(domid)
            for _ in range(4):
                make.on_node(domid, make.random.choice(paths), 0)


def quotas(make: Generator) -> None:
    """Limits so small that they are met."""
    limits = {
        b"nodes": (3, 6, 10),
        b"watches": (1, 3),
        b"transactions": (1, 2),
        b"transaction-nodes": (2, 4, 8),
        b"node-size": (40, 60, 140),
        b"path-max": (15, 17, 19),
    }
    for name in make.random.sample(sorted(limits), 2):
        make.add("a", CONTROL, b"quota\0set\0" + name + b"\0%d\0" % make.random.choice(limits[name]))
    make.steps += guests(1, 2)
    callers: list[str | int] = [1, 1, 1, 2, "a"]
    for _ in range(make.random.randint(12, 30)):
        who = make.random.choice(callers)
        mine = make.open.get(who, [])
        transaction = make.random.choice(mine) if mine and make.chance(0.7) else 0
        kind = make.random.random()
        path = make.below(b"/local/domain/%d" % (who if isinstance(who, int) else 1))
        if kind < 0.75:
            make.on_node(who, path, transaction)
        elif kind < 0.85:
            make.on_watch(who)
        elif kind < 0.93:
            make.begin(who)
        elif transaction:
            make.end(who, transaction)


def malformed(make: Generator) -> None:
    """Requests with one thing wrong, and what breaks a connection."""
    make.set_up()
    for _ in range(make.random.randint(6, 16)):
        if make.chance(0.5):
            make.anything()
            continue
        make.steps.append(_damaged(make))


def _damaged(make: Generator) -> Step:
    choose = make.random.choice
    who = make.who()
    kind = choose(_KINDS)
    if make.chance(0.06):
        length = choose((4097, 5000, 0x7FFFFFFF, 0xFFFFFFFF))
        return (who, "raw", HEADER.pack(kind, 0, 0, length))
    if make.chance(0.4):
        words = [choose(_NUMBERS) for _ in range(choose((0, 1, 1, 2, 3)))]
        payload = b"".join([one + b"\0" for one in words])
    else:
        payload = make.path() + b"\0" + choose((b"", b"", b"t\0", b"t\0u\0", b"n0\0", b"r\0", b"n0", b"T\0"))
    damage = make.random.random()
    if damage < 0.3:
        payload = payload[:-1]
    elif damage < 0.4:
        payload += choose((b"\0", b"x", b"\0\0", b"\xff"))
    return (who, kind, payload, choose((0, 0, 0, 1, 77)))


_ON_NODES: Final = (
    *(READ, READ, READ, DIRECTORY, DIRECTORY, GET_PERMS, WRITE, WRITE, WRITE, WRITE, WRITE),
    *(MKDIR, MKDIR, RM, RM, SET_PERMS, SET_PERMS, DIRECTORY_PART),
)
_KINDS: Final = (
    *(CONTROL, DIRECTORY, READ, GET_PERMS, WATCH, UNWATCH, TRANSACTION_START, TRANSACTION_END, INTRODUCE),
    *(RELEASE, GET_DOMAIN_PATH, WRITE, MKDIR, RM, SET_PERMS, WATCH_EVENT, IS_DOMAIN_INTRODUCED, RESUME),
    *(SET_TARGET, RESET_WATCHES, DIRECTORY_PART, GET_FEATURE, 16, 20, 25, 26, 27, 128, 65535, 0xFFFFFFFF),
)
_THEMES: Final[dict[Callable[[Generator], None], int]] = {
    mixture: 30,
    transactions: 30,
    deaths: 14,
    quotas: 14,
    malformed: 12,
}


def sequence(seed: int | str) -> Steps:
    """The sequence with this seed."""
    return Generator(seed).sequence()
