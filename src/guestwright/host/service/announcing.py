"""What the parts of the service notice, as events of its stream and lines of its log.

Facts are not logged: they are many, and a guest's own words. What an operator asks about later is: domains
that come and go, agents that fall silent, identities claimed twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from guestwright.host.facts.book import Life, News
from guestwright.host.facts.duplicates import Alarm
from guestwright.host.facts.state import AgentState, Standing
from guestwright.host.service.domains import Entry
from guestwright.host.service.port import EventKind, Publisher
from guestwright.host.service.situation import power_of
from guestwright.hypervisor.events import Event

_LOG: Final = logging.getLogger(__name__)
_WORTH_A_WARNING: Final = frozenset((AgentState.STALE, AgentState.LOST))


class Announcing:
    """Publishes and logs.

    Args:
        publisher: the stream.
        source: who says what a guest's facts are: the uuid's, by name.
        duplicates: whether identities claimed twice are told.
    """

    def __init__(
        self, publisher: Publisher, source: Callable[[str], str], *, duplicates: bool = True
    ) -> None:
        self._publisher = publisher
        self._source = source
        self._duplicates = duplicates
        self.facts = 0

    def news(self, life: Life, news: News) -> None:
        """See `listening.Heard`."""
        if news.changes:
            self.facts += 1
            data = {
                "domid": life.domid,
                "source": self._source(life.uuid),
                "changes": {one.name: one.after for one in news.changes},
            }
            self._publisher.publish(EventKind.FACTS_CHANGED, life.uuid, data)
        self.alarms(news.alarms)

    def alarms(self, alarms: tuple[Alarm, ...]) -> None:
        """Identities claimed twice."""
        for one in alarms if self._duplicates else ():
            kind = EventKind.DUPLICATE_OVER if one.over else EventKind.DUPLICATE_FOUND
            found = one.duplicate
            data = {"kind": found.kind, "value": found.value, "domains": found.domains}
            for uuid in found.domains:
                self._publisher.publish(kind, uuid, data)
            level = logging.INFO if one.over else logging.WARNING
            _LOG.log(
                level,
                "%s: %s of %d domains: %s",
                kind,
                found.kind,
                len(found.domains),
                ", ".join(found.domains[:8]),
            )

    def agent(self, life: Life, before: AgentState, now: Standing) -> None:
        """See `listening.Heard`."""
        data = {"domid": life.domid, "before": before, "state": now.state, "reason": now.reason}
        self._publisher.publish(EventKind.AGENT_CHANGED, life.uuid, data)
        level = logging.WARNING if now.state in _WORTH_A_WARNING else logging.INFO
        extra = {"domain": life.uuid, "domid": life.domid}
        _LOG.log(level, "the agent is %s, was %s: %s", now.state, before, now.reason, extra=extra)

    def disagreement(self, life: Life, about: str, text: str) -> None:
        """Sources say different things of a guest, or do no longer."""
        self._publisher.publish(EventKind.FACTS_DISAGREE, life.uuid, {"about": about, "text": text})
        extra = {"domain": life.uuid, "domid": life.domid}
        _LOG.info("sources %s about a guest", "disagree" if text else "agree again", extra=extra)

    def domain(self, before: Entry | None, after: Entry | None, cause: Event | None) -> None:
        """A domain has come, changed or gone."""
        entry = after or before
        assert entry is not None
        uuid, name = entry.domain.uuid, entry.domain.name
        why = {} if cause is None else {"cause": cause.kind, "reason": cause.reason}
        extra = {"domain": uuid, "domid": None if entry.life is None else entry.life.domid}
        if after is None:
            self._publisher.publish(EventKind.DOMAIN_REMOVED, uuid, {"name": name})
            _LOG.info("domain %s is gone", name, extra=extra)
            return
        power = power_of(after.domain)
        if before is None:
            data = {"name": name, "owned": after.domain.owned, "power": power}
            self._publisher.publish(EventKind.DOMAIN_ADDED, uuid, data)
            _LOG.info("domain %s is known, %s", name, power, extra=extra)
            return
        data = {"name": name, "power": power, "domid": extra["domid"], **why}
        self._publisher.publish(EventKind.DOMAIN_CHANGED, uuid, data)
        _LOG.info("domain %s is %s%s", name, power, f" ({cause.kind})" if cause else "", extra=extra)

    def channel(self, entry: Entry) -> None:
        """An agent's way to the store has changed."""
        data = {"state": entry.channel, "reason": entry.channel_reason}
        self._publisher.publish(EventKind.CHANNEL_CHANGED, entry.domain.uuid, data)
        extra = {"domain": entry.domain.uuid}
        _LOG.info("the agent's port is %s %s", entry.channel, entry.channel_reason, extra=extra)

    def hypervisor(self, *, there: bool) -> None:
        """The hypervisor has gone away, or is back."""
        self._publisher.publish(EventKind.HYPERVISOR_FOUND if there else EventKind.HYPERVISOR_LOST)
        _LOG.log(
            logging.INFO if there else logging.WARNING, "the hypervisor is %s", "back" if there else "gone"
        )

    def store(self, *, there: bool) -> None:
        """The store has gone away, or is back."""
        self._publisher.publish(EventKind.STORE_FOUND if there else EventKind.STORE_LOST)
        _log_presence("the store", there=there)


def _log_presence(what: str, *, there: bool) -> None:
    if there:
        _LOG.info("%s is back", what)
    else:
        _LOG.warning("%s is gone", what)
