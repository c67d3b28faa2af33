"""Who gets how much."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guestwright.host.balloon.share import Claim, fair, lend

AMOUNT = st.integers(0, 1 << 30)


@st.composite
def claim_lists(draw: st.DrawFn) -> list[Claim]:
    claims = []
    for number in range(draw(st.integers(1, 6))):
        minimum, maximum = sorted((draw(AMOUNT), draw(AMOUNT)))
        lowest = max(minimum, draw(AMOUNT))
        highest = max(lowest, min(maximum, draw(AMOUNT)))
        need = draw(st.none() | AMOUNT)
        claims.append(
            Claim(
                name=f"g{number}",
                minimum=minimum,
                maximum=maximum,
                lowest=lowest,
                highest=highest,
                need=need,
            )
        )
    return claims


@given(claim_lists(), st.integers(-(1 << 20), 1 << 33))
def test_no_more_is_handed_out_than_there_is(claims: list[Claim], pool: int) -> None:
    shares = fair(claims, pool)
    least = sum(one.lowest for one in claims)
    assert sum(shares.values()) <= max(pool, least)
    assert all(one.lowest <= shares[one.name] <= one.highest for one in claims)
    lent = lend(claims, shares)
    assert sum(lent.values()) <= sum(shares.values())
    assert sum(shares.values()) - sum(lent.values()) <= len(claims) * 2
    for one in claims:
        assert one.lowest <= lent[one.name] <= one.highest
        if one.need is None:
            assert lent[one.name] == shares[one.name]
        elif lent[one.name] < shares[one.name]:
            assert lent[one.name] >= min(one.need, one.highest) or lent[one.name] == one.lowest


@given(claim_lists(), AMOUNT, AMOUNT)
def test_more_memory_is_never_less_for_anybody(claims: list[Claim], pool: int, more: int) -> None:
    before, after = fair(claims, pool), fair(claims, pool + more)
    assert all(after[name] >= before[name] for name in before)


def claim(name: str, minimum: int, maximum: int, need: int | None = None) -> Claim:
    return Claim(name=name, minimum=minimum, maximum=maximum, lowest=minimum, highest=maximum, need=need)


def test_the_same_part_of_every_range() -> None:
    claims = [claim("a", 100, 300), claim("b", 0, 1000), claim("c", 50, 50)]
    assert fair(claims, 750) == {"a": 200, "b": 500, "c": 50}


def test_who_cannot_go_so_low_leaves_less_to_the_others() -> None:
    stuck = Claim(name="s", minimum=0, maximum=100, lowest=90, highest=90)
    shares = fair([stuck, claim("a", 0, 100), claim("b", 0, 100)], 150)
    assert shares == {"s": 90, "a": 30, "b": 30}


def test_spare_memory_is_divided_by_need() -> None:
    claims = [claim("a", 0, 100, 80), claim("b", 0, 100, 60), claim("c", 0, 100, 20), claim("d", 0, 100)]
    shares = fair(claims, 200)
    assert set(shares.values()) <= {49, 50}
    lent = lend(claims, dict.fromkeys("abcd", 50))
    assert lent == {"a": 72, "b": 57, "c": 20, "d": 50}
