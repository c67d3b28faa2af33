"""States of a payload."""

from __future__ import annotations

import pytest

from guestwright.base.record import replace
from guestwright.host.media.model import (
    Entry,
    Persistence,
    Place,
    Scrub,
    State,
    default_scrub,
    from_bytes,
    to_bytes,
)
from guestwright.host.media.states import Happened, after
from guestwright.hypervisor.domain import Bus, Device, DomainId
from guestwright.media.sources.model import Form

ENTRY = Entry(
    domain=DomainId("6a2f41a3-c54c-fce8-32d2-0324e1c32e22"),
    persistence=Persistence.RUN_ONCE,
    wanted=Device.CD,
    form=Form.NOCLOUD,
    label="cidata",
    scrub=Scrub.UP,
    place=Place(device=Device.CD, bus=Bus.IDE, target="hdd", reason="the first choice"),
)


@pytest.mark.parametrize(
    ("persistence", "story", "state", "inside"),
    [
        ("run-once", "inserted", "attached", True),
        ("run-once", "inserted seen", "seen", True),
        ("run-once", "inserted seen consumed", "consumed", True),
        ("run-once", "inserted consumed scrubbed", "scrubbed", True),
        ("run-once", "inserted consumed scrubbed run-over", "scrubbed", False),
        ("run-once", "inserted seen run-over", "failed", False),
        ("run-once", "inserted taken-out", "failed", False),
        ("run-once", "consumed", "defined", False),
        ("run-once", "seen", "defined", False),
        ("run-once", "inserted consumed seen", "consumed", True),
        ("permanent", "inserted seen run-over", "defined", False),
        ("permanent", "inserted consumed scrubbed run-over", "scrubbed", False),
        ("permanent", "inserted consumed scrubbed run-over inserted seen", "scrubbed", True),
        ("permanent", "inserted seen rebooted", "attached", True),
        ("permanent", "inserted taken-out inserted", "attached", True),
    ],
)
def test_story(persistence: str, story: str, state: str, inside: bool) -> None:
    entry = replace(ENTRY, persistence=Persistence(persistence))
    for one in story.split():
        entry = after(entry, Happened(one))
    assert (entry.state, entry.inside) == (state, inside)


def test_what_keeps_its_contents_does_not_fail_for_it() -> None:
    entry = after(replace(ENTRY, scrub=Scrub.NEVER), Happened.INSERTED)
    assert after(entry, Happened.RUN_OVER).state is State.SCRUBBED


def test_an_entry_is_what_was_kept() -> None:
    assert from_bytes(to_bytes(ENTRY)) == ENTRY
    assert from_bytes(to_bytes(replace(ENTRY, place=None, reason="é"))) == replace(
        ENTRY, place=None, reason="é"
    )


@pytest.mark.parametrize("form", Form)
def test_cloud_init_has_read_its_medium_once_a_guest_is_up(form: Form) -> None:
    by_boot = form in (Form.NOCLOUD, Form.CONFIGDRIVE, Form.IGNITION)
    assert default_scrub(form) is (Scrub.UP if by_boot else Scrub.TOLD)
