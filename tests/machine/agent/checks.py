"""What must be true of the snapshots of `tests.machine.agent.scenario`, in every kind of guest."""

from __future__ import annotations

import hashlib
import re

from tests.machine.agent.scenario import LAN, SECOND_MAC, Seen, addresses, nic, same_but_for_time

EXEC_LINE = b"0123456789abcde\n"


def facts_are_true(seen: Seen) -> None:
    """What the guest's own tools say."""
    facts = seen["facts"]
    for name in ("os_distro", "os_majorver", "os_uname", "host_name", "meminfo_total"):
        assert facts[f"data/{name}"] == seen["truth"][name], name
    assert facts["data/os_distro"] == "debian"
    assert facts["data/os_name"].startswith("Debian GNU/Linux 12")
    assert 0 < int(facts["data/meminfo_free"]) < int(facts["data/meminfo_total"])
    assert facts["data/boot/state"] == "up"


def facts_are_complete(seen: Seen) -> None:
    """The same keys in every guest, whatever carries them."""
    wanted = {
        *("data/os_minorver", "data/host_name_dns", "data/guestwright/host/timezone"),
        *("data/guestwright/agent/version", "data/guestwright/os/architecture", "data/net/version"),
        *("data/guestwright/identity/machine-id", "data/guestwright/features/exec"),
    }
    assert wanted <= set(seen["facts"]), wanted - set(seen["facts"])


def tools_count_as_installed(seen: Seen) -> None:
    """What XAPI demands of the numbers."""
    facts = seen["facts"]
    assert facts["attr/PVAddons/Installed"] == "1"
    numbers = [facts[f"attr/PVAddons/{part}Version"] for part in ("Major", "Minor", "Micro", "Build")]
    assert all(re.fullmatch(r"\d+", one) for one in numbers)
    assert int(numbers[0]) >= 1


def what_is_switched_off_is_told(seen: Seen) -> None:
    """The owner's word, with its reason; switched on later."""
    assert seen["facts"]["data/guestwright/features/exec"] == "disabled in the guest"
    assert seen["restarted"]["data/guestwright/features/exec"] == "1"


def a_nic_is_described(seen: Seen) -> None:
    """By what does not change, with its address and its prefix."""
    store = seen["addressed"]
    found = nic(store, "mac", seen["truth"]["mac"])
    assert store[f"data/net/{found}/kind"] == seen["kind"]
    assert store[f"data/net/{found}/ipv4/0"] == "192.0.2.7"
    assert store[f"data/net/{found}/ipv4/0/prefix"] == "24"


def a_renamed_nic_is_the_same_nic(seen: Seen) -> None:
    """Its id stays; its name is the new one."""
    before = nic(seen["addressed"], "mac", seen["truth"]["mac"])
    assert nic(seen["renamed"], "name", LAN) == before


def bridge_and_vlan_are_described(seen: Seen) -> None:
    """Members, numbers, and an id of the bridge that is unique in the guest."""
    store = seen["bridged"]
    lan, bridge, vlan = (nic(store, "name", name) for name in (LAN, "br0", "vlan7"))
    assert store[f"data/net/{bridge}/kind"] == "bridge"
    assert store[f"data/net/{bridge}/members"] == lan
    assert store[f"data/net/{bridge}/guid"]
    assert store[f"data/net/{lan}/master"] == bridge
    assert (store[f"data/net/{vlan}/kind"], store[f"data/net/{vlan}/vlan"]) == ("vlan", "7")
    assert addresses(store, "br0") == {"198.51.100.5"}
    assert addresses(store, "vlan7") == {"203.0.113.9"}


def a_nic_comes_and_goes(seen: Seen) -> None:
    """With all its keys."""
    found = nic(seen["plugged"], "mac", SECOND_MAC[seen["kind"]])
    assert seen["plugged"][f"data/net/{found}/kind"] == seen["kind"]
    assert not [path for path in seen["unplugged"] if path.startswith(f"data/net/{found}/")]


def a_killed_agent_leaves_nothing_stale(seen: Seen) -> None:
    """What went while it was away is gone, what stayed is there."""
    gone = nic(seen["unplugged"], "name", "vlan7")
    assert gone
    assert not [path for path in seen["restarted"] if path.startswith(f"data/net/{gone}/")]
    assert addresses(seen["restarted"], "br0") == {"198.51.100.5"}


def reconnecting_loses_nothing(seen: Seen) -> None:
    """Every way to lose the store ends with all facts in it, and with what changed meanwhile."""
    assert seen["reconnected"]
    for how, (before, after) in seen["reconnected"].items():
        wanted, found = same_but_for_time(before), same_but_for_time(after)
        different = {path for path in wanted.keys() | found if wanted.get(path) != found.get(path)}
        assert not different, (how, {path: (wanted.get(path), found.get(path)) for path in different})


def the_store_holds_few_nodes(seen: Seen) -> None:
    """Fewer than 300, at all times."""
    ours = ("data/", "attr/", "control/feature", "xenserver/")
    for name, store in seen.items():
        if isinstance(store, dict) and "data/updated" in store:
            assert sum(path.startswith(ours) for path in store) < 300, name


def output_arrives_whole(seen: Seen) -> None:
    """Of a command, byte for byte."""
    done = seen["exec"]
    expected = (EXEC_LINE * (done["length"] // len(EXEC_LINE) + 1))[: done["length"]]
    assert done["status"] == 0, done
    assert done["sha256"] == hashlib.sha256(expected).hexdigest(), done


def memory_is_within_its_limit(seen: Seen) -> None:
    """At most 12 MB, after all that was done."""
    assert 0 < seen["resident"] <= 12 << 10, seen["resident"]


CHECKS = (
    facts_are_true,
    facts_are_complete,
    tools_count_as_installed,
    what_is_switched_off_is_told,
    a_nic_is_described,
    a_renamed_nic_is_the_same_nic,
    bridge_and_vlan_are_described,
    a_nic_comes_and_goes,
    a_killed_agent_leaves_nothing_stale,
    reconnecting_loses_nothing,
    the_store_holds_few_nodes,
    output_arrives_whole,
    memory_is_within_its_limit,
)
