"""Who gets how much.

Theory of operation: with enough memory for all minimums, every guest gets its minimum and the same part of
its range, (target - minimum) / (maximum - minimum), as squeezed has it; who cannot go as low or as high as
that stays at its limit, and the rest share what is left.

Then spare memory moves to where it is needed. A guest whose agent says that it uses more than its share gets
of what others have beyond their own use. Nobody is asked to give up what it uses or what it got as a fair
share without saying what it uses; so one that exaggerates takes only what others have said they can spare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from guestwright.base.record import record

_ONE: Final = 1 << 30


@record
class Claim:
    """What one guest (or a reservation) may get.

    Attributes:
        name: of whom.
        minimum: start of its range.
        maximum: end of its range.
        lowest: cannot get less, `minimum` or above.
        highest: cannot get more, `lowest` or above.
        need: what it needs; None when that is not known.
    """

    name: str
    minimum: int
    maximum: int
    lowest: int
    highest: int
    need: int | None = None

    def at(self, part: int) -> int:
        """Its memory for a part of its range, in 2**30ths."""
        wanted = self.minimum + (max(0, self.maximum - self.minimum) * part) // _ONE
        return max(self.lowest, min(self.highest, wanted))


def fair(claims: Sequence[Claim], pool: int) -> dict[str, int]:
    """The same part of the range for all.

    Args:
        claims: of whom; names are unique.
        pool: KiB to hand out.

    Returns:
        Name to KiB; at most `pool` in all, unless even what all cannot do without is more.
    """
    low, high = 0, _ONE
    while low < high:
        middle = (low + high + 1) // 2
        if sum(one.at(middle) for one in claims) <= pool:
            low = middle
        else:
            high = middle - 1
    return {one.name: one.at(low) for one in claims}


def lend(claims: Sequence[Claim], shares: Mapping[str, int]) -> dict[str, int]:
    """Move what can be spared to where it is needed.

    Args:
        claims: as for `fair`.
        shares: what `fair` gave.

    Returns:
        Name to KiB, with no more in all than before.
    """
    wanted: dict[str, int] = {}
    spared: dict[str, int] = {}
    for one in claims:
        if one.need is not None:
            need = max(one.lowest, min(one.highest, one.need))
            wanted[one.name] = max(0, need - shares[one.name])
            spared[one.name] = max(0, shares[one.name] - need)
    demand, supply = sum(wanted.values()), sum(spared.values())
    moved = min(demand, supply)
    if not moved:
        return dict(shares)
    after = dict(shares)
    for name, amount in wanted.items():
        after[name] += amount * moved // demand
    for name, amount in spared.items():
        after[name] -= -(-amount * moved // supply)
    return after
