"""The states of an agent."""

from __future__ import annotations

import pytest

from guestwright.host.facts.state import AgentState, Signs, standing


@pytest.mark.parametrize(
    ("signs", "now", "state", "until"),
    [
        (Signs(started=0), 10, AgentState.NEVER, None),
        (Signs(started=0), 10**6, AgentState.NEVER, None),
        (Signs(started=0, first=5, last=5), 10, AgentState.BOOTING, 605),
        (Signs(started=0, first=5, last=604), 604, AgentState.BOOTING, 605),
        (Signs(started=0, first=5, last=604), 605, AgentState.LIVE, 784),
        (Signs(started=0, first=5, last=5, up=True), 10, AgentState.LIVE, 185),
        (Signs(started=0, first=5, last=5, up=True), 184, AgentState.LIVE, 185),
        (Signs(started=0, first=5, last=5, up=True), 185, AgentState.STALE, 905),
        (Signs(started=0, first=5, last=5, up=True), 905, AgentState.LOST, None),
        (Signs(started=0, first=5, last=5, up=True, connected=True), 905, AgentState.LOST, None),
        (Signs(started=0, first=5, last=9, up=True, connected=False), 10, AgentState.LOST, None),
        (Signs(started=0, first=5, last=9, up=True, left=True), 10, AgentState.LOST, None),
        (Signs(started=0, first=5, last=9, up=True), 3, AgentState.LIVE, 189),
    ],
)
def test_state(signs: Signs, now: float, state: AgentState, until: float | None) -> None:
    found = standing(signs, now)
    assert (found.state, found.until) == (state, until)
    assert found.reason
    assert (found.age is None) == (signs.last is None)
    if until is not None:  # it changes then, and not before
        assert standing(signs, until - 0.001).state is state
        assert standing(signs, until).state is not state
