"""What the host itself sees of guests: its neighbour table, and leases that a DHCP server has given out.

Theory of operation: read when somebody asks about a guest, at most once every few seconds for all, and only
for MAC addresses of the domain's own cards; a guest cannot put words into another's mouth here by claiming
its address in the store. Files that are missing, too long or make no sense are as if they were empty.

Formats: `/proc/net/arp` (proc_net(5)); dnsmasq's leases, `EXPIRY MAC IP NAME CLIENT-ID` a line (dnsmasq(8),
--dhcp-leasefile); libvirt's `BRIDGE.status`, a JSON list of objects (src/network/leaseshelper.c).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from typing import Any, Final

from guestwright.host.facts.observations import Source, Word, of_host

NEIGHBOURS: Final = "/proc/net/arp"
KEPT: Final = 5.0  # seconds
SIZE_MAX: Final = 4 << 20  # characters of a file
_COMPLETE: Final = 0x2  # ATF_COM of linux/if_arp.h: the address was answered for
Row = dict[str, str]


class Sightings:
    """Looks at the host's own tables.

    Args:
        leases: files of a DHCP server.
        neighbours: the kernel's table.
    """

    def __init__(self, leases: tuple[str, ...] = (), neighbours: str = NEIGHBOURS) -> None:
        self._leases = leases
        self._neighbours = neighbours
        self._lock = threading.Lock()
        self._at: float | None = None
        self._rows: dict[Source, list[Row]] = {}

    def words(self, macs: Iterable[str], now: float) -> list[Word]:
        """What was seen of some cards.

        Args:
            macs: their addresses, lower case.
            now: seconds, of the clock that the words are to have.
        """
        wanted = frozenset(macs)
        found: list[Word] = []
        for source, rows in self._read().items():
            found.extend(of_host([row for row in rows if row["mac"] in wanted], source, now))
        return found

    def _read(self) -> dict[Source, list[Row]]:
        with self._lock:
            now = time.monotonic()
            if self._at is None or now - self._at > KEPT:
                leased = [row for path in self._leases for row in leases(_text(path))]
                self._rows = {Source.DHCP: leased, Source.NEIGHBOUR: neighbours(_text(self._neighbours))}
                self._at = now
            return self._rows


def neighbours(text: str) -> list[Row]:
    """Rows of the kernel's table."""
    found = []
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) >= 6 and _flags(words[2]) & _COMPLETE:
            found.append({"ip": words[0], "mac": words[3].lower()})
    return found


def leases(text: str) -> list[Row]:
    """Rows of a DHCP server's file, of either format."""
    if text.lstrip()[:1] == "[":
        try:
            listed: Any = json.loads(text)
        except (ValueError, RecursionError):
            return []
        return [_lease(one) for one in listed if isinstance(one, dict)]
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 4 and words[0].isdecimal():
            found.append({"mac": words[1].lower(), "ip": words[2], "hostname": _name(words[3])})
    return found


def _lease(one: dict[str, Any]) -> Row:
    named = (("mac", "mac-address"), ("ip", "ip-address"), ("hostname", "hostname"))
    values = {name: one.get(key) for name, key in named}
    row = {name: value if isinstance(value, str) else "" for name, value in values.items()}
    return {**row, "mac": row["mac"].lower()}


def _name(text: str) -> str:
    return "" if text == "*" else text


def _flags(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return 0


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(SIZE_MAX)
    except OSError:
        return ""
