"""Several sources about one guest, in one model, with what they disagree about.

Theory of operation: a source says something about a subject ("hostname", "os", "mac:00:16:…") and can be
asked how old that is. Sources do not overwrite each other. What is shown is what the best source says that is
not too old; the others stay beside it. For addresses the guest lists what it has, and the host sees some of
that go by: the host's word disagrees when it saw, recently, an address that a live agent does not list. That
can be an agent that lies, an address that somebody else took, or one that was just given up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from guestwright.base.record import record
from guestwright.host.facts.decode import Told
from guestwright.host.facts.values import address, canonical, line, mac, scope

AGE_MAX: Final = 3600.0  # seconds after which a word counts no more against another
ROWS_MAX: Final = 1024
NAMES_MAX: Final = 32  # values of one subject


class Source(StrEnum):
    """Who says so; the best first."""

    AGENT = "agent"
    XAPI_AGENT = "xapi-agent"
    QEMU_GA = "qemu-ga"
    DHCP = "dhcp-lease"
    NEIGHBOUR = "neighbour-table"
    HYPERVISOR = "hypervisor"
    BRIDGE = "bridge"


_OF_GUEST: Final = (Source.AGENT, Source.XAPI_AGENT, Source.QEMU_GA)
_RANK: Final = {source: number for number, source in enumerate(Source)}


@record
class Word:
    """What one source says about one subject.

    Attributes:
        subject: "hostname", "os", "cards" (the domain's), or "mac:" and a MAC address.
        values: sorted; of a MAC address the IP addresses, of cards the MAC addresses, else one.
        source: who says so.
        at: when it was seen, seconds.
        complete: whether what is not listed is not there.
    """

    subject: str
    values: tuple[str, ...]
    source: Source
    at: float
    complete: bool = True


@record
class Agreed:
    """What is shown about one subject.

    Attributes:
        subject: see `Word`.
        values: of the best source.
        source: which that is.
        at: when it was seen.
        others: what the other sources say.
        disagreement: what does not fit, for people; "" when all fits.
    """

    subject: str
    values: tuple[str, ...]
    source: Source
    at: float
    others: tuple[Word, ...] = ()
    disagreement: str = ""


def agree(words: Iterable[Word], now: float) -> dict[str, Agreed]:
    """One view of all words about one guest.

    Args:
        words: at most one per source and subject counts, the latest.
        now: seconds, of the clock of the words.

    Returns:
        Subject to what is shown.
    """
    latest: dict[tuple[str, Source], Word] = {}
    for one in words:
        known = latest.get((one.subject, one.source))
        if known is None or one.at >= known.at:
            latest[one.subject, one.source] = one
    subjects: dict[str, list[Word]] = {}
    for one in latest.values():
        subjects.setdefault(one.subject, []).append(one)
    found = {}
    for subject, said in sorted(subjects.items()):
        said.sort(key=lambda one: (now - one.at > AGE_MAX, _RANK[one.source]))
        best, *others = said
        found[subject] = Agreed(
            subject=subject,
            values=best.values,
            source=best.source,
            at=best.at,
            others=tuple(others),
            disagreement=_disagreement(best, others, now),
        )
    return found


def _disagreement(best: Word, others: Sequence[Word], now: float) -> str:
    for one in others:
        if now - one.at > AGE_MAX or now - best.at > AGE_MAX:
            continue
        mine, theirs = (set(_comparable(word)) for word in (best, one))
        surplus = theirs - mine if best.complete else set()
        missing = mine - theirs if one.complete and one.source in _OF_GUEST else set()
        for unknown, who, other in ((surplus, one, best), (missing, best, one)):
            if unknown:
                return f"{who.source} says {', '.join(sorted(unknown)[:3])}; {other.source} does not"
    return ""


def _comparable(word: Word) -> Iterable[str]:
    if word.subject.startswith("mac:"):
        return [one for one in word.values if scope(one) == "global"]
    # A DHCP server knows the short name, an agent may know the long one.
    return [one.partition(".")[0].lower() if word.subject == "hostname" else one for one in word.values]


def of_agent(told: Told, at: float, source: Source = Source.AGENT) -> list[Word]:
    """What an agent says in the store."""
    found = _names(told.host.name, told.system.name, source, at)
    by_mac: dict[str, set[str]] = {}
    for nic in told.nics:
        if nic.mac:
            by_mac.setdefault(nic.mac, set()).update(
                one.address for one in nic.addresses if not one.tentative
            )
    found.extend(_word(f"mac:{one}", values, source, at) for one, values in by_mac.items())
    return found


def of_qemu_ga(host: str, system: str, cards: Iterable[tuple[str, Iterable[str]]], at: float) -> list[Word]:
    """What qemu-ga says. All of it comes from the guest, and may be anything.

    Args:
        host: name of the machine; "" when nothing was said.
        system: name of the system for people, likewise.
        cards: MAC addresses, each with IP addresses.
        at: when it was said.
    """
    found = _names(_text(host), _text(system), Source.QEMU_GA, at)
    by_mac: dict[str, set[str]] = {}
    for owner, listed in islice(cards, ROWS_MAX):
        if mac(owner):
            addresses = {_address(_text(one)) for one in islice(listed, ROWS_MAX)} - {""}
            by_mac.setdefault(mac(owner), set()).update(addresses)
    found.extend(_word(f"mac:{owner}", values, Source.QEMU_GA, at) for owner, values in by_mac.items())
    return found


def of_cards(macs: Iterable[str], source: Source, at: float, *, complete: bool) -> Word:
    """Which cards a domain has, or which are seen behind its ports."""
    values = {mac(one) for one in islice(macs, ROWS_MAX)} - {""}
    return _word("cards", values, source, at, complete=complete)


def together(words: Iterable[Word]) -> list[Word]:
    """One word of each source about each subject: what was seen in several places is added up."""
    found: dict[tuple[str, Source], Word] = {}
    for one in words:
        known = found.get((one.subject, one.source))
        if known is not None and not one.complete and one.subject.startswith("mac:"):
            at, values = max(one.at, known.at), set(one.values) | set(known.values)
            found[one.subject, one.source] = _word(one.subject, values, one.source, at, complete=False)
        elif known is None or one.at >= known.at:
            found[one.subject, one.source] = one
    return list(found.values())


def of_host(rows: Iterable[Mapping[str, str]], source: Source, at: float) -> list[Word]:
    """What the host has seen go by: leases of a DHCP server, neighbours, a bridge's table.

    Args:
        rows: each with "mac", and "ip" or "hostname" if they are known.
        source: which of these.
        at: when.
    """
    by_mac: dict[str, set[str]] = {}
    found: list[Word] = []
    for number, row in enumerate(rows):
        owner = mac(row.get("mac"))
        if number >= ROWS_MAX or not owner:
            continue
        by_mac.setdefault(owner, set()).add(_address(row.get("ip", "")))
        found.extend(_names(line(row.get("hostname")), "", source, at))
    for owner, values in by_mac.items():
        found.append(_word(f"mac:{owner}", values - {""}, source, at, complete=False))
    return found


def _names(host: str, system: str, source: Source, at: float) -> list[Word]:
    pairs = (("hostname", host), ("os", system))
    return [_word(subject, {value}, source, at) for subject, value in pairs if value]


def _word(subject: str, values: set[str], source: Source, at: float, *, complete: bool = True) -> Word:
    kept = tuple(sorted(values)[: NAMES_MAX * 8])
    return Word(subject=subject, values=kept, source=source, at=at, complete=complete)


def _text(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= 255 and value.isprintable() else ""


def _address(text: str) -> str:
    found = address(text, 4) or address(text, 6)
    return canonical(found) if found else ""
