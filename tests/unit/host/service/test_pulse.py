"""A thread is stuck when it has not moved from one look to the next."""

from __future__ import annotations

import pytest

from guestwright.host.service.pulse import Pulse

TURN, LOOK = "turn", "look"


@pytest.mark.parametrize(
    ("events", "silent"),
    [
        pytest.param([(1, TURN), (2, LOOK), (3, TURN), (4, LOOK)], [0, 0], id="it turns"),
        pytest.param([(9, TURN), (10, LOOK), (40, LOOK), (70, LOOK)], [0, 31, 61], id="stuck"),
        pytest.param([(9, TURN), (10, LOOK), (500, LOOK)], [0, 491], id="stuck between late looks"),
        pytest.param([(9, TURN), (500, LOOK), (501, TURN), (502, LOOK)], [0, 0], id="all was stopped"),
        pytest.param([(500, LOOK), (501, LOOK)], [0, 501], id="it never turned"),
    ],
)
def test_silence(events: list[tuple[float, str]], silent: list[float]) -> None:
    now = [0.0]
    pulse = Pulse(lambda: now[0])
    seen = []
    for at, what in events:
        now[0] = at
        if what == TURN:
            pulse.turn()
        else:
            seen.append(pulse.silence())
    assert seen == silent
