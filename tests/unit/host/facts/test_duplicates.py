"""Two domains that claim to be one machine."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guestwright.host.facts.decode import Told, decode
from guestwright.host.facts.duplicates import Duplicate, Identities
from guestwright.host.facts.intake import admit


def told(machine: str = "", ssh: str = "", mac: str = "", kind: str = "vif") -> Told:
    written = {
        "data/guestwright/identity/machine-id": machine,
        "data/guestwright/identity/ssh/0": ssh,
        "data/net/version": "1.0",
        "data/net/a/kind": kind,
        "data/net/a/mac": mac,
    }
    return decode(admit((path, value.encode()) for path, value in written.items() if value))


def test_a_clone_raises_an_alarm_and_ends_it_when_it_is_sealed() -> None:
    known = Identities()
    assert known.update("a", told("m1", "ED25519 SHA256:x", "00:16:3e:00:00:01")) == []
    alarms = known.update("b", told("m1", "ED25519 SHA256:x", "00:16:3e:00:00:02"))
    assert [(one.duplicate.kind, one.duplicate.domains, one.over) for one in alarms] == [
        ("machine-id", ("a", "b"), False),
        ("ssh-host-key", ("a", "b"), False),
    ]
    assert len(known.duplicates) == 2
    assert known.update("b", told("m1", "ED25519 SHA256:x", "00:16:3e:00:00:02")) == []
    (third,) = known.update("c", told("m1"))
    assert third.duplicate.domains == ("a", "b", "c")
    alarms = known.update("b", told("m2"))
    assert [(one.duplicate.kind, one.duplicate.domains, one.over) for one in alarms] == [
        ("machine-id", ("a", "c"), False),
        ("ssh-host-key", ("a", "b"), True),
    ]
    (last,) = known.update("c", None)
    assert (last.duplicate.domains, last.over) == (("a", "c"), True)
    assert known.duplicates == []


def test_what_is_shared_by_design_is_no_alarm() -> None:
    known = Identities()
    for domain in "ab":
        assert known.update(domain, told(mac="00:16:3e:00:00:01", kind="bridge")) == []
        assert known.update(domain, told(mac="00:00:00:00:00:00")) == []


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "m1", "m2", None])), max_size=30))
def test_the_alarms_add_up_to_what_is_duplicate(steps: list[tuple[str, str | None]]) -> None:
    known = Identities()
    open_alarms: dict[tuple[str, str], Duplicate] = {}
    truth: dict[str, str | None] = {}
    for domain, machine in steps:
        for alarm in known.update(domain, None if machine is None else told(machine)):
            key = (alarm.duplicate.kind, alarm.duplicate.value)
            if alarm.over:
                del open_alarms[key]
            else:
                open_alarms[key] = alarm.duplicate
        truth[domain] = machine
        assert sorted(open_alarms) == [(one.kind, one.value) for one in known.duplicates]
        assert list(open_alarms.values()) == known.duplicates or len(open_alarms) > 1
        for machine_id in ("m1", "m2"):
            holders = tuple(sorted(name for name, one in truth.items() if one == machine_id))
            found = [one.domains for one in known.duplicates if one.value == machine_id]
            assert found == ([holders] if len(holders) > 1 else [])
