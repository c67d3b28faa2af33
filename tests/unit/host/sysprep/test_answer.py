"""What a guest's keys mean."""

from __future__ import annotations

import pytest

from guestwright.host.sysprep.answer import Answer, interpret, said, sees
from guestwright.host.sysprep.model import Event, Phase


@pytest.mark.parametrize(
    ("answer", "phase", "event"),
    [
        (Answer(home=False), Phase.RUNNING, Event.DOWN),
        (Answer(home=False), Phase.INSERTED, Event.DOWN),
        (Answer(), Phase.INSERTED, None),
        (Answer(media_seen=b"sr0 GW_1"), Phase.INSERTED, Event.SEEN),
        (Answer(media_seen=b"sr0 OTHER"), Phase.INSERTED, None),
        (Answer(action=b"running"), Phase.INSERTED, None),
        (Answer(action=b"sysprep"), Phase.ASKED, None),
        (Answer(action=b"sysprep", state=b"failed"), Phase.ASKED, None),
        (Answer(action=b"running"), Phase.ASKED, Event.RUNNING),
        (Answer(action=b"running"), Phase.RUNNING, Event.RUNNING),
        (Answer(action=b"dancing"), Phase.ASKED, None),
        (Answer(), Phase.ASKED, Event.ENDED),
        (Answer(state=b"finished"), Phase.RUNNING, Event.ENDED),
        (Answer(action=b"running", state=b"finished"), Phase.RUNNING, Event.ENDED),
        (Answer(action=b"running", state=b"finished"), Phase.ASKED, Event.RUNNING),
        (Answer(state=b"failed", error=b"no"), Phase.RUNNING, Event.FAILED),
        (Answer(state=b"refused", error=b"no"), Phase.ASKED, Event.REFUSED),
        (Answer(state=b"failed"), Phase.FINISHED, None),
        (Answer(state=b"failed"), Phase.INSERTING, None),
    ],
)
def test_meaning(answer: Answer, phase: Phase, event: Event | None) -> None:
    found = interpret(answer, phase, "GW_1")
    assert (found and found[0]) == event


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, False),
        (b"", False),
        (b"sr0 GW_1", True),
        (b"sr0 gw_1", True),
        (b"sr0 OTHER; xvdd GW_1", True),
        (b"sr0 GW_10", False),
        (b"GW_1", False),
        (b"\xff" * 5000, False),
    ],
)
def test_seen(told: bytes | None, expected: bool) -> None:
    assert sees(told, "GW_1") is expected


def test_words_of_a_guest_are_bounded_and_print() -> None:
    assert said(b"a\n\x1b[2J\xff") == "a\\x0a\\x1b[2J\ufffd"
    assert len(said(b"x" * 9999)) == 1024
    found = interpret(Answer(state=b"failed"), Phase.RUNNING, "L")
    assert found == (Event.FAILED, "the guest did not say why")
