"""Which MAC addresses the host's bridges see behind the ports of domains.

Theory of operation: `brforward` of a bridge in sysfs is its table, 16 bytes a row: MAC address, low byte of
the port's number, whether it is the host's own, age in 1/100 s, high byte of the port's number (struct
__fdb_entry of linux/if_bridge.h; net/bridge/br_sysfs_br.c). A port's number is in its `brport/port_no`. What
was not seen for five minutes the kernel forgets. Open vSwitch has no such file, and nothing is seen there.

What a domain's definition does not have but comes out of its port is somebody's who forges addresses, or a
guest with guests of its own: for people to judge.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterable
from typing import Final

from guestwright.host.facts.observations import Source, Word, of_cards
from guestwright.hypervisor.domain import Nic

SYSFS: Final = "/sys/class/net"
KEPT: Final = 2.0  # seconds for which a table is not read again
_SIZE_MAX: Final = 1 << 20
_ROW: Final = struct.Struct("=6sBBIBBH")
Row = tuple[str, int, float]  # MAC, port, seconds since it was seen


class Bridges:
    """Reads their tables, one at a time.

    Args:
        sysfs: directory of the host's network devices.
    """

    def __init__(self, sysfs: str = SYSFS) -> None:
        self._sysfs = sysfs
        self._tables: dict[str, tuple[float, list[Row]]] = {}

    def words(self, nics: Iterable[Nic], now: float) -> list[Word]:
        """What comes out of a domain's cards, beside what its definition says.

        Args:
            nics: of the domain.
            now: seconds, of the clock that the words are to have.
        """
        cards = [one for one in nics if one.mac]
        seen: dict[str, float] = {}
        for one in cards:
            for address, age in self._behind(one.host_device):
                seen[address] = max(seen.get(address, 0.0), now - age)
        if not seen:
            return []
        words = [of_cards([one.mac for one in cards], Source.HYPERVISOR, now, complete=True)]
        words.append(of_cards(seen, Source.BRIDGE, max(seen.values()), complete=False))
        return words

    def _behind(self, device: str) -> list[tuple[str, float]]:
        if not device or "/" in device:
            return []
        port = f"{self._sysfs}/{device}/brport"
        try:
            with open(f"{port}/port_no", encoding="ascii") as stream:
                number = int(stream.read(16), 0)
            bridge = os.path.basename(os.readlink(f"{port}/bridge"))
        except (OSError, ValueError):
            return []
        return [(address, age) for address, where, age in self._table(bridge) if where == number]

    def _table(self, bridge: str) -> list[Row]:
        read, rows = self._tables.get(bridge, (0.0, []))
        now = time.monotonic()
        if not read or now - read > KEPT:
            rows = table(_data(f"{self._sysfs}/{bridge}/brforward"))
            self._tables[bridge] = (now, rows)
        return rows


def table(data: bytes) -> list[Row]:
    """The rows of a bridge's table that are not the host's own."""
    whole = len(data) - len(data) % _ROW.size
    return [
        (raw.hex(":"), low | high << 8, age / 100)
        for raw, low, local, age, high, _, _ in _ROW.iter_unpack(data[:whole])
        if not local
    ]


def _data(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(_SIZE_MAX)
    except OSError:
        return b""
