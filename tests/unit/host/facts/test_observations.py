"""Several sources about one guest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.host.facts.decode import decode
from guestwright.host.facts.intake import admit
from guestwright.host.facts.observations import (
    AGE_MAX,
    Source,
    Word,
    agree,
    of_agent,
    of_cards,
    of_host,
    of_qemu_ga,
    together,
)

MAC = "00:16:3e:00:00:01"


def agent(address: str, host: str = "web1", at: float = 100.0) -> list[Word]:
    written = {
        "data/host_name": host,
        "data/os_name": "Debian 12",
        "data/net/version": "1.0",
        "data/net/vif-0/mac": MAC,
        "data/net/vif-0/ipv4/0": address,
        "data/net/vif-0/ipv6/0": "fe80::1",
    }
    return of_agent(decode(admit((path, value.encode()) for path, value in written.items())), at)


def test_sources_that_agree() -> None:
    words = [
        *agent("192.0.2.1"),
        *of_host([{"mac": MAC.upper(), "ip": "192.0.2.1", "hostname": "WEB1.example"}], Source.DHCP, 101.0),
        *of_host([{"mac": MAC, "ip": "fe80::9"}], Source.NEIGHBOUR, 101.0),
        *of_qemu_ga("web1", "Debian 12", [(MAC, ["192.0.2.1"])], 102.0),
    ]
    found = agree(words, 110.0)
    assert {name: one.disagreement for name, one in found.items()} == {
        "hostname": "",
        "os": "",
        f"mac:{MAC}": "",
    }
    assert {one.source for one in found.values()} == {Source.AGENT}
    assert len(found[f"mac:{MAC}"].others) == 3


@pytest.mark.parametrize(
    ("others", "subject", "said"),
    [
        (
            of_host([{"mac": MAC, "ip": "192.0.2.7"}], Source.DHCP, 100),
            f"mac:{MAC}",
            "dhcp-lease says 192.0.2.7",
        ),
        (
            of_host([{"mac": MAC, "ip": "2001:db8::7"}], Source.NEIGHBOUR, 100),
            f"mac:{MAC}",
            "neighbour-table says",
        ),
        (
            of_host([{"mac": MAC, "hostname": "db1"}], Source.DHCP, 100),
            "hostname",
            "dhcp-lease says db1; agent does not",
        ),
        (of_qemu_ga("db1", "", [], 100), "hostname", "qemu-ga says db1"),
        (
            of_qemu_ga("", "", [(MAC, [])], 100),
            f"mac:{MAC}",
            "agent says 192.0.2.1; qemu-ga does not",
        ),
    ],
)
def test_disagreements_are_named(others: list[Word], subject: str, said: str) -> None:
    found = agree([*agent("192.0.2.1"), *others], 110.0)
    assert said in found[subject].disagreement
    assert found[subject].source is Source.AGENT
    assert not agree([*agent("192.0.2.1"), *others], 110.0 + AGE_MAX)[subject].disagreement


def test_an_old_word_gives_way_to_a_fresh_one() -> None:
    words = [*agent("192.0.2.1", at=0.0), *of_qemu_ga("new", "", [], AGE_MAX + 50)]
    found = agree(words, AGE_MAX + 60)
    assert (found["hostname"].values, found["hostname"].source) == (("new",), Source.QEMU_GA)
    assert found["os"].source is Source.AGENT


WORDS = st.text(max_size=20) | st.just(MAC) | st.just("192.0.2.1")


@given(WORDS, WORDS, st.lists(st.tuples(WORDS, st.lists(WORDS, max_size=4)), max_size=4))
def test_qemu_ga_may_say_anything(name: str, system: str, cards: list[tuple[str, list[str]]]) -> None:
    found = agree(of_qemu_ga(name, system, cards, 1.0), 2.0)
    assert all(one.disagreement == "" for one in found.values())
    assert all(value.isprintable() for one in found.values() for value in one.values)


def test_what_is_seen_in_several_places_is_added_up() -> None:
    words = together(
        [
            *of_host([{"mac": MAC, "ip": "192.0.2.1"}], Source.NEIGHBOUR, 100.0),
            *of_host([{"mac": MAC, "ip": "2001:db8::1"}], Source.NEIGHBOUR, 101.0),
            *agent("192.0.2.1"),
            *agent("192.0.2.9", at=99.0),
        ]
    )
    seen = next(one for one in words if one.source is Source.NEIGHBOUR)
    assert (seen.values, seen.at) == (("192.0.2.1", "2001:db8::1"), 101.0)
    assert [one.values for one in words if one.source is Source.AGENT and one.subject == f"mac:{MAC}"] == [
        ("192.0.2.1", "fe80::1")
    ]


def test_a_card_that_the_definition_does_not_have() -> None:
    words = [
        of_cards([MAC], Source.HYPERVISOR, 100.0, complete=True),
        of_cards([MAC, "52:54:00:00:00:99"], Source.BRIDGE, 90.0, complete=False),
    ]
    found = agree(words, 110.0)["cards"]
    assert (found.values, found.source) == ((MAC,), Source.HYPERVISOR)
    assert found.disagreement == "bridge says 52:54:00:00:00:99; hypervisor does not"
    assert not agree(words[:1], 110.0)["cards"].disagreement
