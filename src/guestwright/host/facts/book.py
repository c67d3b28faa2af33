"""All guests of a host: what they say now, since when, and what has just changed.

Theory of operation: whoever reads the store hands in what was read (`look`), as often as it likes; the book
compares with what it knew and returns changes. It has no clock, no thread and no store. A domain is one life
of a machine: its UUID with the number it has in this life; a new life starts with an empty page, so nothing
of a template or of a former boot is taken for news.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from guestwright.base.record import field, fields, record, replace
from guestwright.host.facts.decode import Told, decode, decode_again
from guestwright.host.facts.duplicates import Alarm, Identities
from guestwright.host.facts.intake import Keys, Problem, admit, admit_again
from guestwright.host.facts.metrics import Metrics, metrics
from guestwright.host.facts.observations import Source
from guestwright.host.facts.state import Ages, Signs, Standing, standing
from guestwright.host.facts.tools import Catalogue, Verdict

_INSTALLED: Final = "attr/PVAddons/Installed"
_MAJOR: Final = "attr/PVAddons/MajorVersion"
# Linux writes these by itself (drivers/xen/manage.c), so a guest without any agent has them, too.
_OF_KERNEL: Final = frozenset(f"control/feature-{one}" for one in ("poweroff", "reboot", "suspend"))
_OF_AGENT: Final = (
    "attr/",
    "data/",
    "control/feature-",
    "control/balloon-active",
    "feature/",
    "drivers/",
    "xenserver/",
)
_NOTHING: Final = decode(Keys())
_NAMES: Final = tuple(each.name for each in fields(_NOTHING))


@record(kw_only=False)
class Life:
    """One life of a machine.

    Attributes:
        uuid: of the machine; stays.
        domid: in this life.
    """

    uuid: str
    domid: int


@record
class Stamp:
    """Where a fact comes from.

    Attributes:
        source: who says so.
        since: when it was first seen as it is, seconds.
        seen: when it was last seen so.
    """

    source: Source
    since: float
    seen: float


@record
class Page:
    """What is known of one guest.

    Attributes:
        life: whose.
        told: what it says.
        keys: as they were read.
        signs: when it was heard.
        origins: field of `told` to who says so and since when, for those that it says something about.
        looked: when its keys were looked at last, seconds; None for never.
    """

    life: Life
    told: Told
    keys: Keys
    signs: Signs
    origins: Mapping[str, tuple[Source, float]] = field(default_factory=dict)
    looked: float | None = None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was refused."""
        return self.keys.problems

    @property
    def refused(self) -> int:
        """How much was refused."""
        return self.keys.refused

    @property
    def stamps(self) -> dict[str, Stamp]:
        """Field of `told` to source and age; a look sees all of them."""
        if self.looked is None:
            return {}
        return {
            name: Stamp(source=source, since=since, seen=self.looked)
            for name, (source, since) in self.origins.items()
        }

    @property
    def metrics(self) -> Metrics:
        """As XenAPI has it."""
        return metrics(self.keys)


@record
class Change:
    """One field of what a guest says is not what it was.

    Attributes:
        life: whose.
        name: field of `Told`.
        before: its value.
        after: its value.
    """

    life: Life
    name: str
    before: Any
    after: Any


@record
class News:
    """What a look brought.

    Attributes:
        changes: of the guest's facts.
        alarms: of duplicate identities.
    """

    changes: tuple[Change, ...] = ()
    alarms: tuple[Alarm, ...] = ()


class Book:
    """All guests.

    Args:
        catalogue: released tools.
        ages: when an agent counts as lost.
    """

    def __init__(self, catalogue: Catalogue | None = None, ages: Ages | None = None) -> None:
        self.catalogue = catalogue or Catalogue()
        self.identities = Identities()
        self._ages = ages or Ages()
        self._pages: dict[str, Page] = {}

    @property
    def pages(self) -> tuple[Page, ...]:
        """Of all guests."""
        return tuple(self._pages.values())

    def page(self, uuid: str) -> Page | None:
        """Of one guest, by the UUID of its machine."""
        return self._pages.get(uuid)

    def started(self, life: Life, now: float) -> News:
        """A domain runs, or is found running. An older life of the same machine is over."""
        known = self._pages.get(life.uuid)
        if known is not None and known.life == life:
            return News()
        self._pages[life.uuid] = Page(life=life, told=_NOTHING, keys=Keys(), signs=Signs(started=now))
        return News(alarms=tuple(self.identities.update(life.uuid, None)))

    def gone(self, life: Life) -> News:
        """A domain has ended; unless its machine lives on already in another."""
        known = self._pages.get(life.uuid)
        if known is None or known.life != life:
            return News()
        del self._pages[life.uuid]
        return News(alarms=tuple(self.identities.update(life.uuid, None)))

    def connected(self, life: Life, *, there: bool, now: float) -> None:
        """The agent's channel has opened or closed; to be told only where that can be seen."""
        known = self._pages.get(life.uuid)
        if known is not None and known.life == life:
            signs = replace(known.signs, connected=there)
            if there:
                signs = replace(signs, first=now if signs.first is None else signs.first, last=now)
            self._pages[life.uuid] = replace(known, signs=signs)

    def answered(self, life: Life, now: float) -> None:
        """The agent has answered something: a sign of life without any news."""
        known = self._pages.get(life.uuid)
        if known is not None and known.life == life and known.signs.first is not None:
            self._pages[life.uuid] = replace(known, signs=replace(known.signs, last=now))

    def look(self, life: Life, raw: Iterable[tuple[str, bytes]], now: float) -> News:
        """Take in what was read of a domain.

        Args:
            life: whose. Of a life that is over, or was never started, nothing is taken.
            raw: paths relative to its directory, with values.
            now: seconds.
        """
        known = self._pages.get(life.uuid)
        if known is None or known.life != life:
            return News()
        keys = admit(raw)
        if keys.values == known.keys.values:
            self._pages[life.uuid] = replace(known, looked=now)
            return News()
        before = known.keys.values
        paths = [path for path, text in keys.values.items() if before.get(path) != text]
        return self._written(known, keys, decode(keys), paths, now)

    def look_again(
        self, life: Life, changes: Mapping[str, bytes | None], raw: Mapping[str, bytes], now: float
    ) -> News:
        """Take in what has changed since the last look; costs what has changed, not what there is.

        Args:
            life: see `look`.
            changes: paths relative to its directory, with values; None for those that are gone.
            raw: all that is there now.
            now: seconds.
        """
        known = self._pages.get(life.uuid)
        if known is None or known.life != life:
            return News()
        keys = admit_again(known.keys, changes, raw)
        before = known.keys.values
        paths = [path for path in changes if keys.values.get(path) != before.get(path)]
        if keys.refused or known.keys.refused:  # others may have come in or gone out
            return self.look(life, raw.items(), now)
        return self._written(known, keys, decode_again(keys, known.told, paths), paths, now)

    def _written(self, known: Page, keys: Keys, told: Told, paths: Sequence[str], now: float) -> News:
        life = known.life
        changes, origins = _compare(known, told, _source(keys), now)
        signs = _signs(known, keys, told, paths, now)
        self._pages[life.uuid] = replace(
            known, told=told, keys=keys, signs=signs, origins=origins, looked=now
        )
        same = told.nics is known.told.nics and told.identity is known.told.identity
        alarms = () if same else tuple(self.identities.update(life.uuid, told))
        return News(changes=tuple(changes), alarms=alarms)

    def standing(self, uuid: str, now: float) -> Standing | None:
        """The state of a guest's agent; None without such a guest."""
        page = self._pages.get(uuid)
        return None if page is None else standing(page.signs, now, self._ages)

    def tools(self, uuid: str) -> Verdict | None:
        """Whether a guest's tools are up to date; None without such a guest."""
        page = self._pages.get(uuid)
        return None if page is None else self.catalogue.judge(page.told.tools, page.told.system.family)


def _compare(
    known: Page, told: Told, source: Source, now: float
) -> tuple[list[Change], Mapping[str, tuple[Source, float]]]:
    changes: list[Change] = []
    origins = known.origins
    for name in _NAMES:
        before, after = getattr(known.told, name), getattr(told, name)
        if before is not after and before != after:
            changes.append(Change(life=known.life, name=name, before=before, after=after))
            origins = {**origins, name: (source, now)}
            if after == getattr(_NOTHING, name):
                del origins[name]
        elif name in origins and origins[name][0] is not source:
            origins = {**origins, name: (source, origins[name][1])}
    return changes, origins


def _source(keys: Keys) -> Source:
    ours = "data/guestwright/agent/version" in keys.values
    return Source.AGENT if ours else Source.XAPI_AGENT


def _signs(known: Page, keys: Keys, told: Told, paths: Iterable[str], now: float) -> Signs:
    """A key of the agent's own that is new or different is a sign; none is one of the host's."""
    before, signs = known.keys.values, known.signs
    own = (path for path in paths if path.startswith(_OF_AGENT) and path not in _OF_KERNEL)
    if any(keys.values.get(path) for path in own):
        signs = replace(signs, first=now if signs.first is None else signs.first, last=now)
    was_there = _INSTALLED in before or _MAJOR in before
    is_there = _INSTALLED in keys.values or _MAJOR in keys.values
    left = (was_there or signs.left) and not is_there
    up = told.boot == "up" if told.boot else told.published
    return signs if (signs.up, signs.left) == (up, left) else replace(signs, up=up, left=left)
