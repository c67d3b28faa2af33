"""What holds whatever the guests do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.host.balloon.controller import LOG_MAX, Controller
from guestwright.host.balloon.model import MIB, Seen, Settings, View
from guestwright.host.balloon.reservations import Reservation
from guestwright.host.balloon.simulator import Guest, Host
from guestwright.host.errors import BadReservation, GuestsKeepMemory, NoSuchReservation, NotEnoughMemory

SLUSH = 72 * MIB
SIZES = st.integers(1, 4000)


@st.composite
def guests(draw: st.DrawFn, *, ideal: bool = False) -> Guest:
    minimum, span, above = draw(SIZES), draw(st.integers(0, 4000)), draw(st.integers(0, 4000))
    size = MIB * (minimum + min(above, span))
    if ideal:
        more = {"used": draw(st.none() | st.integers(0, 8000 * MIB))}
        return Guest(actual=size, minimum=minimum * MIB, maximum=(minimum + span) * MIB, **more)  # type: ignore[arg-type]
    return Guest(
        actual=size,
        minimum=minimum * MIB,
        maximum=(minimum + span) * MIB,
        rate=draw(st.sampled_from([0, 4, 300, 8 * MIB, 512 * MIB])),
        floor=draw(st.sampled_from([0, size - MIB, size])),
        ceiling=draw(st.sampled_from([size, size + MIB, 1 << 40])),
        rests=draw(st.sampled_from([0.0, 3.0, 19.0])),
        grid=draw(st.sampled_from([4, MIB])),
        greedy=draw(st.booleans()),
        used=draw(st.none() | st.integers(-(1 << 70), 1 << 70)),
        reports=draw(st.booleans()),
        honest=draw(st.booleans()),
    )


@st.composite
def hosts(draw: st.DrawFn, *, ideal: bool = False) -> Host:
    found = draw(st.lists(guests(ideal=ideal), min_size=1, max_size=5))
    total = SLUSH + sum(one.actual for one in found) + MIB * draw(st.integers(0, 4000))
    named = {f"g{number}": one for number, one in enumerate(found)}
    return Host(total=total, controller=Controller(), guests=named)


@given(hosts(), st.lists(st.tuples(st.integers(0, 40), SIZES, SIZES), max_size=4))
@settings(max_examples=60, deadline=None)
def test_nobody_gets_what_is_not_there(host: Host, asked: list[tuple[int, int, int]]) -> None:
    promised: dict[str, int] = {}
    for second in range(60):
        for number, (at, one, other) in enumerate(asked):
            if at == second:
                wanted = Reservation(
                    name=f"r{number}",
                    owner="tests",
                    minimum=min(one, other) * MIB,
                    maximum=max(one, other) * MIB,
                    deadline=host.now + 30,
                )
                host.controller.reserve(wanted, host.now)
        step = host.tick()
        for granted in step.granted:
            assert granted.granted is not None
            assert granted.minimum <= granted.granted <= granted.maximum
            promised[granted.name] = granted.granted
        assert host.free >= sum(promised.values()) + (SLUSH if promised else 0)
    assert host.faults == []
    assert host.controller.reservations.kept == sum(promised.values())
    host.run(20)
    assert not host.controller.reservations.pending


@given(hosts(ideal=True))
@settings(max_examples=60, deadline=None)
def test_guests_that_follow_come_to_rest_and_never_turn(host: Host) -> None:
    host.run(60)
    before = host.moved
    assert all(step.balanced for step in host.run(20))
    assert (host.moved, host.faults) == (before, [])
    assert all(turns <= 1 for turns in host.turns.values())


@given(hosts(ideal=True))
@settings(max_examples=60, deadline=None)
def test_what_the_minimums_leave_is_always_had_from_guests_that_follow(host: Host) -> None:
    spare = host.free - SLUSH + sum(one.actual - one.minimum for one in host.guests.values())
    wanted = spare - 8 * len(host.guests)
    if wanted <= 0:
        return
    asked = Reservation(name="all", owner="tests", minimum=wanted, maximum=wanted, deadline=600)
    host.controller.reserve(asked, 0)
    granted = [one for step in host.run(120) for one in step.granted]
    assert [one.granted for one in granted] == [wanted]
    assert host.faults == []


def seen(**more: object) -> Seen:
    values: dict[str, object] = {
        "domain": "a",
        "actual": 2000 * MIB,
        "target": 2000 * MIB,
        "cap": 2000 * MIB,
        "minimum": 1000 * MIB,
        "maximum": 4000 * MIB,
    }
    return Seen(**{**values, **more})  # type: ignore[arg-type]


def test_a_domain_without_a_balloon_is_left_alone_and_its_promise_is_kept() -> None:
    building = seen(domain="new", balloons=False, actual=0, promised=500 * MIB)
    view = View(free=SLUSH + 600 * MIB, guests=(building, seen()))
    (move,) = Controller().step(view, 0).moves
    assert (move.domain, move.target, move.cap_first) == ("a", 2100 * MIB, True)


def test_a_claim_that_a_guest_has_not_used_is_taken_back_before_others_grow() -> None:
    lazy = seen(domain="lazy", actual=1000 * MIB, maximum=2000 * MIB)
    view = View(free=SLUSH + 1600 * MIB, guests=(seen(), lazy))
    moves = Controller().step(view, 0).moves
    assert [(one.domain, one.cap_first) for one in moves] == [("lazy", False), ("a", True)]
    assert sum(one.cap for one in moves) <= 4600 * MIB


def test_more_guests_than_memory_are_brought_to_their_minimums() -> None:
    controller = Controller()
    view = View(free=0, guests=(seen(actual=1000 * MIB),))
    assert controller.step(view, 0).moves[0].target == 1000 * MIB


@pytest.mark.parametrize(
    ("minimum", "maximum"), [(0, 10), (-5, 10), (10, 9)], ids=["nothing", "negative", "wrong way round"]
)
def test_a_reservation_must_make_sense(minimum: int, maximum: int) -> None:
    wanted = Reservation(name="r", owner="o", minimum=minimum, maximum=maximum, deadline=1)
    with pytest.raises(BadReservation):
        Controller().reserve(wanted, 0)


def test_reservations_survive_a_restart_and_end_with_their_owner() -> None:
    first = Controller()
    view = View(free=SLUSH + 900 * MIB, guests=())
    for name in ("kept", "handed-over"):
        first.reserve(
            Reservation(name=name, owner="builder", minimum=300 * MIB, maximum=300 * MIB, deadline=9), 0
        )
    assert len(first.step(view, 0).granted) == 2
    first.reservations.transfer("handed-over", "d7")
    second = Controller(known=first.reservations.all)
    assert second.reservations.kept == 600 * MIB
    second.reservations.login("builder")
    assert [one.name for one in second.reservations.all] == ["handed-over"]
    second.step(View(free=view.free, guests=(seen(domain="d7", balloons=False),)), 1)
    assert second.reservations.all == ()


def test_names_of_reservations() -> None:
    reservations = Controller().reservations
    wanted = Reservation(name="r", owner="o", minimum=1, maximum=1, deadline=1)
    reservations.ask(wanted)
    with pytest.raises(BadReservation, match="of this name already"):
        reservations.ask(wanted)
    with pytest.raises(BadReservation, match="not granted"):
        reservations.transfer("r", "d")
    reservations.grant("r", 1)
    reservations.transfer("r", "d")
    with pytest.raises(BadReservation, match="belongs to d"):
        reservations.transfer("r", "e")
    reservations.drop("r")
    with pytest.raises(NoSuchReservation):
        reservations.drop("r")


def test_the_log_is_bounded() -> None:
    controller = Controller()
    for second in range(LOG_MAX + 10):
        controller.step(View(free=SLUSH + 900 * MIB, guests=(seen(),)), second)
    assert len(controller.log) == LOG_MAX
    assert controller.log[0].at == 10


@pytest.mark.parametrize(
    ("inaccuracy", "short", "outcome"),
    [(4, 24, None), (4, 0, NotEnoughMemory), (0, 0, GuestsKeepMemory)],
    ids=["allowed for", "more than is sure", "not allowed for"],
)
def test_guests_that_stop_a_little_above_their_targets(
    inaccuracy: int, short: int, outcome: type[Exception] | None
) -> None:
    found = {f"g{n}": Guest(actual=2000 * MIB, minimum=1000 * MIB, maximum=4000 * MIB) for n in range(3)}
    for one in found.values():
        one.floor = 1000 * MIB + 4  # a page, as balloon drivers do
    host = Host(
        total=SLUSH + 6000 * MIB, controller=Controller(Settings(inaccuracy=inaccuracy)), guests=found
    )
    wanted = 3000 * MIB - short
    asked = Reservation(name="r", owner="o", minimum=wanted, maximum=wanted, deadline=60)
    host.controller.reserve(asked, 0.0)
    steps = host.run(90)
    assert any(step.granted for step in steps) is (outcome is None)
    assert [type(error) for step in steps for _, error in step.refused] == ([outcome] if outcome else [])
    assert host.faults == []


def test_a_domain_that_is_gone_is_forgotten() -> None:
    controller = Controller()
    view = View(free=SLUSH, guests=(seen(actual=3000 * MIB, stuck="driver"),))
    controller.step(view, 0.0)
    assert controller.uncooperative == {"a": "its agent says: driver"}
    controller.step(View(free=SLUSH, guests=()), 1.0)
    assert controller.uncooperative == {}


def test_who_asks_for_memory_makes_those_be_tried_again_that_stopped_long_ago() -> None:
    controller = Controller()
    stuck = seen(actual=3000 * MIB, stuck="driver")
    controller.step(View(free=SLUSH, guests=(stuck,)), 0.0)
    well = seen(actual=3000 * MIB, target=3000 * MIB, cap=3000 * MIB)
    controller.step(View(free=SLUSH, guests=(well,)), 30.0)
    assert controller.uncooperative
    for when, believed in ((31.0, True), (61.0, False)):
        name = f"r{when}"
        wanted = Reservation(name=name, owner="o", minimum=MIB, maximum=MIB, deadline=when + 9)
        controller.reserve(wanted, when)
        controller.step(View(free=SLUSH, guests=(well,)), when)
        assert bool(controller.uncooperative) is believed
