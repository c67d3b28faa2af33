from __future__ import annotations

from guestwright.agent.core.pauses import Pauses


def test_pauses_double_up_to_the_longest() -> None:
    pauses = Pauses(60, 200)
    assert pauses.begin("a", 0) is True
    assert pauses.holds("a", 59)
    assert not pauses.holds("a", 60)
    assert pauses.begin("a", 60) is False
    assert pauses.holds("a", 179)
    assert pauses.begin("a", 180) is False
    assert pauses.next(180) == 380


def test_what_worked_is_forgotten() -> None:
    pauses = Pauses(1, 8)
    pauses.begin("a", 0)
    pauses.end("a")
    pauses.end("a")
    assert not pauses.holds("a", 0)
    assert pauses.begin("a", 0) is True


def test_a_pause_is_held_once_more() -> None:
    pauses = Pauses(10, 80)
    pauses.hold("a", 0)
    assert pauses.holds("a", 9)
    pauses.begin("a", 10)
    pauses.hold("a", 30)
    assert pauses.next(30) == 50


def test_the_next_end_lies_ahead() -> None:
    pauses = Pauses(10, 80)
    assert pauses.next(0) is None
    pauses.begin("a", 0)
    pauses.begin("b", 5)
    assert pauses.next(0) == 10
    assert pauses.next(10) == 15
    assert pauses.next(15) is None
