"""All guests of a host: changes, ages, lives."""

from __future__ import annotations

from guestwright.host.facts.book import Book, Life
from guestwright.host.facts.observations import Source
from guestwright.host.facts.state import AgentState
from guestwright.host.facts.tools import Catalogue

LIFE = Life("u1", 3)
ONE = {
    "attr/PVAddons/Installed": b"1",
    "attr/PVAddons/MajorVersion": b"1",
    "attr/PVAddons/MinorVersion": b"0",
    "data/os_name": b"Debian",
    "data/boot/state": b"booting",
    "data/guestwright/agent/version": b"1.0.0",
}


def test_changes_and_their_ages() -> None:
    book = Book(Catalogue.parse('{"linux": ["1.0"]}'))
    book.started(LIFE, 0.0)
    assert book.standing("u1", 5.0).state is AgentState.NEVER  # type: ignore[union-attr]
    news = book.look(LIFE, ONE.items(), 10.0)
    assert {one.name for one in news.changes} == {"tools", "system", "boot"}
    assert book.standing("u1", 10.0).state is AgentState.BOOTING  # type: ignore[union-attr]
    up = {**ONE, "data/boot/state": b"up", "data/updated": b"1"}
    news = book.look(LIFE, up.items(), 20.0)
    assert [(one.name, one.before, one.after) for one in news.changes] == [
        ("boot", "booting", "up"),
        ("published", False, True),
    ]
    assert book.look(LIFE, up.items(), 30.0).changes == ()
    page = book.page("u1")
    assert page is not None
    stamp = page.stamps["system"]
    assert (stamp.source, stamp.since, stamp.seen) == (Source.AGENT, 10.0, 30.0)
    assert page.stamps["boot"].since == 20.0
    assert "users" not in page.stamps
    assert page.metrics.os_version == {"name": "Debian"}
    assert book.tools("u1").up_to_date  # type: ignore[union-attr]
    assert book.standing("u1", 30.0).state is AgentState.LIVE  # type: ignore[union-attr]
    assert book.standing("u1", 200.0).state is AgentState.STALE  # type: ignore[union-attr]
    book.answered(LIFE, 199.0)
    assert book.standing("u1", 200.0).state is AgentState.LIVE  # type: ignore[union-attr]


def test_what_the_host_writes_is_no_sign_of_the_guest() -> None:
    book = Book()
    book.started(LIFE, 0.0)
    book.look(LIFE, [("control/shutdown", b"poweroff"), ("control/sysprep/action", b"sysprep")], 1.0)
    assert book.standing("u1", 1.0).state is AgentState.NEVER  # type: ignore[union-attr]


def test_what_linux_itself_says_on_xen_is_no_agent() -> None:
    book = Book()
    book.started(LIFE, 0.0)
    said = ("feature-poweroff", "feature-reboot", "feature-suspend", "platform-feature-xs_reset_watches")
    book.look(LIFE, [(f"control/{one}", b"1") for one in said], 1.0)
    assert book.standing("u1", 1.0).state is AgentState.NEVER  # type: ignore[union-attr]


def test_an_agent_that_is_stopped_takes_its_version_away() -> None:
    book = Book()
    book.started(LIFE, 0.0)
    book.look(LIFE, ONE.items(), 1.0)
    book.look(LIFE, [("data/os_name", b"Debian")], 2.0)
    found = book.standing("u1", 2.0)
    assert found is not None
    assert (found.state, found.reason) == (AgentState.LOST, "it was stopped in the guest")
    book.look(LIFE, ONE.items(), 3.0)
    assert book.standing("u1", 3.0).state is AgentState.BOOTING  # type: ignore[union-attr]


def test_a_channel_that_closes_and_opens() -> None:
    book = Book()
    book.started(LIFE, 0.0)
    book.connected(LIFE, there=True, now=1.0)
    assert book.standing("u1", 1.0).state is AgentState.BOOTING  # type: ignore[union-attr]
    book.connected(LIFE, there=False, now=2.0)
    assert book.standing("u1", 2.0).state is AgentState.LOST  # type: ignore[union-attr]


def test_nothing_of_an_old_life_gets_into_a_new_one() -> None:
    book = Book()
    book.started(LIFE, 0.0)
    book.look(LIFE, ONE.items(), 1.0)
    assert book.started(LIFE, 2.0).alarms == ()
    assert book.page("u1").told.system.name == "Debian"  # type: ignore[union-attr]
    new = Life("u1", 4)
    book.started(new, 3.0)
    assert book.page("u1").told.system.name == ""  # type: ignore[union-attr]
    assert book.look(LIFE, ONE.items(), 4.0).changes == ()
    book.connected(LIFE, there=False, now=4.0)
    book.gone(LIFE)
    assert book.standing("u1", 4.0).state is AgentState.NEVER  # type: ignore[union-attr]
    book.gone(new)
    assert book.pages == ()
    assert (book.page("u1"), book.tools("u1"), book.standing("u1", 5.0)) == (None, None, None)


def test_a_clone_is_noticed() -> None:
    book = Book()
    keys = [("data/guestwright/identity/machine-id", b"abc")]
    for number in (1, 2):
        book.started(Life(f"u{number}", number), 0.0)
    assert book.look(Life("u1", 1), keys, 1.0).alarms == ()
    (alarm,) = book.look(Life("u2", 2), keys, 1.0).alarms
    assert alarm.duplicate.domains == ("u1", "u2")
    (over,) = book.gone(Life("u1", 1)).alarms
    assert over.over
