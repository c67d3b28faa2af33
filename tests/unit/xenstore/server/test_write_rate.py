from __future__ import annotations

from guestwright.xenstore.core.domain import Domain, Phase
from guestwright.xenstore.core.quota import Limits
from guestwright.xenstore.server.settings import Settings
from guestwright.xenstore.server.write_rate import WriteRate

SETTINGS = Settings(write_rate=200, write_burst=10, write_reserve=100, write_newcomer=5)


def granted(rate: WriteRate, domain: Domain, start: float, seconds: float) -> int:
    """Changes that a domain gets through that always makes the next one as soon as it may."""
    now = start
    count = 0
    while now < start + seconds:
        now += max(rate.charge(domain, now), 1e-4)
        count += 1
    return count


def test_a_newcomer_and_the_reserve_then_the_rate() -> None:
    rate = WriteRate(SETTINGS, 0.0)
    domain = Domain(1, Limits())
    first = granted(rate, domain, 0.0, 1.0)
    assert 340 <= first <= 360  # 50 of its own, 100 of the reserve, 200 a second
    assert 195 <= granted(rate, domain, 1.0, 1.0) <= 205


def test_the_rate_is_shared() -> None:
    rate = WriteRate(SETTINGS, 0.0)
    domains = [Domain(number, Limits()) for number in range(4)]
    due = dict.fromkeys(domains, 0.0)
    counts = dict.fromkeys(domains, 0)
    now = 0.0
    while now < 10.0:
        for domain in domains:
            if due[domain] <= now:
                due[domain] = now + rate.charge(domain, now)
                counts[domain] += 1
        now += 0.001
    assert 2200 <= sum(counts.values()) <= 2320  # 2000, 4 times 50, and 100
    assert max(counts.values()) - min(counts.values()) <= 110


def test_an_idle_guest_saves_its_burst_only() -> None:
    rate = WriteRate(SETTINGS, 0.0)
    domain = Domain(1, Limits())
    granted(rate, domain, 0.0, 2.0)
    other = Domain(2, Limits())
    rate.charge(other, 500.0)
    assert [rate.charge(domain, 500.0) for _ in range(10)] == [0.0] * 10


def test_who_has_gone_gets_no_share() -> None:
    rate = WriteRate(SETTINGS, 0.0)
    gone = [Domain(number, Limits()) for number in range(10)]
    for domain in gone:
        rate.charge(domain, 0.0)
        domain.phase = Phase.GONE
    domain = Domain(99, Limits())
    granted(rate, domain, 1.0, 2.0)
    assert 195 <= granted(rate, domain, 3.0, 1.0) <= 205
