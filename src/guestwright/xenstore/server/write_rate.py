"""How often guests may change the store while somebody else's transaction is open.

Theory of operation: every change makes open transactions fail that have read the node, so a guest that
writes without pause could keep a toolstack from ever committing. As in C xenstored there is credit for a
number of changes a second, shared by the guests that write; each may save a little, what it cannot save goes
to a common reserve, and a guest in debt draws from the reserve first and waits when that is empty. Nothing
is charged while nobody else has a transaction open, unless `Settings.write_always` says so.

Numbers and idea: C xenstored's `WRL_*`; the arithmetic is our own.
"""

from __future__ import annotations

from guestwright.xenstore.core.domain import Domain, Phase
from guestwright.xenstore.server.settings import Settings

_STEP = 0.005  # seconds between two distributions
_STEP_EACH = 20e-6  # the same for each domain: where there are many, a distribution takes longer


class WriteRate:
    """Credit of all guests.

    Args:
        settings: rate and limits.
        now: time of the clock, seconds.
    """

    __slots__ = ("_credit", "_reserve", "_settings", "_then")

    def __init__(self, settings: Settings, now: float) -> None:
        self._settings = settings
        self._credit: dict[Domain, float] = {}
        self._reserve = settings.write_reserve
        self._then = now

    def charge(self, domain: Domain, now: float, changes: float = 1.0) -> float:
        """A change by a guest.

        Args:
            domain: the guest.
            now: time of the clock, seconds.
            changes: for how many it counts.

        Returns:
            Seconds for which it has to wait; 0 when it may go on.
        """
        settings = self._settings
        self._distribute(now)
        credit = self._credit.get(domain)
        if credit is None:
            credit = settings.write_burst * settings.write_newcomer
        credit -= changes
        if credit < 0:
            drawn = min(-credit, self._reserve)
            self._reserve -= drawn
            credit += drawn
        self._credit[domain] = credit
        return -credit * len(self._credit) / settings.write_rate if credit < 0 else 0.0

    def _distribute(self, now: float) -> None:
        passed = now - self._then
        if passed < max(_STEP, _STEP_EACH * len(self._credit)):
            return
        self._then = now
        settings = self._settings
        for domain in [one for one in self._credit if one.phase is Phase.GONE]:
            del self._credit[domain]
        if not self._credit:
            self._reserve = min(settings.write_reserve, self._reserve + passed * settings.write_rate)
            return
        share = passed * settings.write_rate / len(self._credit)
        for domain, credit in self._credit.items():
            full = max(credit, settings.write_burst)  # a newcomer's credit is used up, not cut
            raised = min(credit + share, full)
            self._credit[domain] = raised
            self._reserve += credit + share - raised
        self._reserve = min(self._reserve, settings.write_reserve)
