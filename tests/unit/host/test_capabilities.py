"""Allowed, or refused with cause and remedy."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from guestwright.host.capabilities import (
    GUARDED,
    Cause,
    Operation,
    Power,
    Situation,
    all_answers,
    judge,
)
from guestwright.host.facts.state import AgentState

NAMES = ("sysprep", "exec", "file", "clipboard", "fsfreeze", "settime", "setcomputername", "balloon")
FEATURES = dict.fromkeys((*NAMES, "static-ip-setting", "suspend", "poweroff", "reboot"), "1")


def ready(**more: Any) -> Situation:
    """A guest with which everything is possible that a running one allows."""
    values: dict[str, Any] = {
        "power": Power.RUNNING,
        "agent": AgentState.LIVE,
        "features": FEATURES,
        "granted": GUARDED,
        "drives": 2,
        "free_drives": 1,
    }
    return Situation(**{**values, **more})


def test_a_guest_that_is_ready_may_do_all_but_what_needs_another_state() -> None:
    refused = {one for one, answer in all_answers(ready()).items() if not answer.allowed}
    assert refused == {Operation.START, Operation.UNPAUSE, Operation.RESUME}


@pytest.mark.parametrize(
    ("operation", "now", "cause"),
    [
        (Operation.SYSPREP, ready(power=Power.HALTED), Cause.POWER),
        (Operation.SYSPREP, ready(power=Power.PAUSED), Cause.POWER),
        (Operation.SYSPREP, ready(template=True), Cause.TEMPLATE),
        (Operation.SYSPREP, ready(busy=Operation.MIGRATE), Cause.BUSY),
        (Operation.SYSPREP, ready(blocked={Operation.SYSPREP: "audit"}), Cause.BLOCKED),
        (Operation.SYSPREP, ready(agent=AgentState.NEVER), Cause.NEVER_SEEN),
        (Operation.SYSPREP, ready(agent=AgentState.BOOTING), Cause.BOOTING),
        (Operation.SYSPREP, ready(agent=AgentState.STALE), Cause.STALE),
        (Operation.SYSPREP, ready(agent=AgentState.LOST), Cause.LOST),
        (Operation.SYSPREP, ready(features={}), Cause.NOT_OFFERED),
        (Operation.SYSPREP, ready(features={"sysprep": "0"}), Cause.NOT_OFFERED),
        (Operation.SYSPREP, ready(features={"sysprep": "disabled in the guest"}), Cause.DENIED),
        (Operation.SYSPREP, ready(free_drives=0), Cause.NO_DRIVE),
        (Operation.SYSPREP, ready(free_drives=0, hotplug=True), None),
        (Operation.EXEC, ready(granted=frozenset()), Cause.ROLE),
        (Operation.EXEC, ready(features={"exec": "disabled in the guest"}), Cause.DENIED),
        (Operation.SHUTDOWN, ready(features={}), Cause.NOT_OFFERED),
        (Operation.SHUTDOWN, ready(features={}, drivers=True), None),
        (Operation.SHUTDOWN, ready(features={"shutdown": "1"}, agent=AgentState.NEVER), None),
        (Operation.REBOOT, ready(features={"poweroff": "1"}), Cause.NOT_OFFERED),
        (Operation.REBOOT, ready(features={"shutdown": "1"}), None),
        (Operation.KILL, ready(busy=Operation.SYSPREP), None),
        (Operation.KILL, ready(power=Power.HALTED), Cause.POWER),
        (Operation.SUSPEND, ready(cannot_suspend="gpu", drivers=True), Cause.NOT_SUSPENDABLE),
        (Operation.SUSPEND, ready(devices=("0000:01:00.0",)), Cause.DEVICES),
        (Operation.MIGRATE, ready(devices=("0000:01:00.0",)), Cause.DEVICES),
        (Operation.MIGRATE, ready(features={}, drivers=True, power=Power.PAUSED), None),
        (Operation.MIGRATE, ready(features={}), Cause.NOT_OFFERED),
        (Operation.MEMORY_TARGET, ready(features={}, drivers=True), Cause.NOT_OFFERED),
        (Operation.CD_INSERT, ready(drives=1, free_drives=0), Cause.NO_DRIVE),
        (Operation.CD_INSERT, ready(drives=0, free_drives=0), Cause.NO_DRIVE),
        (Operation.CD_INSERT, ready(power=Power.SUSPENDED), Cause.POWER),
        (Operation.CD_INSERT, ready(template=True, power=Power.HALTED), None),
        (Operation.CD_EJECT, ready(busy=Operation.SYSPREP), None),
        (Operation.CD_EJECT, ready(drives=1, free_drives=1), Cause.NO_DRIVE),
        (Operation.START, ready(power=Power.HALTED), None),
        (Operation.START, ready(power=Power.HALTED, template=True), Cause.TEMPLATE),
        (Operation.RESUME, ready(power=Power.SUSPENDED), None),
        (Operation.UNPAUSE, ready(power=Power.PAUSED), None),
    ],
)
def test_answers(operation: Operation, now: Situation, cause: Cause | None) -> None:
    answer = judge(operation, now)
    assert answer.cause is cause
    assert answer.allowed is (cause is None)


def test_every_refusal_says_what_is_wrong_and_what_to_do() -> None:
    seen = set()
    for power, agent, template, features, drives in itertools.product(
        Power, AgentState, (False, True), ({}, FEATURES, dict.fromkeys(FEATURES, "no")), (0, 1)
    ):
        now = Situation(
            power=power,
            agent=agent,
            template=template,
            features=features,
            drives=1,
            free_drives=drives,
            granted=GUARDED if drives else frozenset(),
        )
        for answer in all_answers(now).values():
            assert bool(answer.text) == bool(answer.remedy) == (not answer.allowed)
            seen.add(answer.cause)
    assert seen >= set(Cause) - {Cause.BLOCKED, Cause.BUSY, Cause.DEVICES, Cause.NOT_SUSPENDABLE}


def test_the_words_of_the_guest_are_told() -> None:
    answer = judge(Operation.FILE, ready(features={"file": "disabled in the guest"}))
    assert answer.text == "the guest does not allow it: disabled in the guest"
    answer = judge(Operation.SYSPREP, ready(agent=AgentState.LOST, agent_reason="its channel is closed"))
    assert answer.text.endswith("its channel is closed")
