from __future__ import annotations

import pytest

from guestwright.agent.core import budget
from guestwright.agent.core.facts import Facts, Memory
from guestwright.agent.core.layout import desired
from guestwright.agent.core.publish import NODES_MIN, REMOVE, STAMP, TOUCHED, UPDATED, WRITE, Published
from guestwright.base.record import replace
from tests.support.agent_facts import GLOBAL4, GLOBAL6, LINK6, bridge, complete, vif
from tests.support.agent_store import ModelStore, drive

FULL = complete()


def keys(facts: Facts, offers: dict[str, str] | None = None) -> dict[str, bytes]:
    return desired(facts, offers or {"sysprep": "1"}, {})


def settled(facts: Facts = FULL) -> tuple[Published, ModelStore]:
    published, store = Published(), ModelStore()
    drive(published, store, keys(facts))
    return published, store


def test_the_store_holds_what_is_wanted() -> None:
    published, store = settled()
    assert store.values() == keys(FULL)
    assert published.plan(keys(FULL), 1) == []
    assert published.next_retry() is None


def test_leftovers_of_another_agent_are_replaced() -> None:
    store = ModelStore(
        {
            "attr/vif/7/ipv4/x": b"1.2.3.4",
            "attr/PVAddons/BuildVersion": b"proto",
            "attr/other": b"stays",
            "data/net/2": b"eth0",
            "data/os_name": b"old",
            "data/cant_suspend_reason": b"stays",
            "control/feature-xs-batcmd": b"1",
            "control/feature-suspend": b"1",
        }
    )
    drive(Published(), store, keys(FULL))
    stays = {
        "attr/other": b"stays",
        "data/cant_suspend_reason": b"stays",
        "control/feature-suspend": b"1",  # the kernel's
    }
    assert store.values() == {**keys(FULL), **stays}


def test_a_reader_never_sees_less_than_one_agents_network() -> None:
    store = ModelStore({"attr/vif/0/ipv4/0": b"192.0.2.10"})
    published = Published()
    for batch in published.plan(keys(FULL), 0):
        store.apply(batch)
        assert store.values()["attr/vif/0/ipv4/0"] == b"192.0.2.10"


def test_only_what_changed_is_written_in_one_transaction_a_subject() -> None:
    published, store = settled()
    store.written.clear()
    more = replace(vif(0, GLOBAL4, replace(GLOBAL4, address="192.0.2.11"), GLOBAL6, LINK6))
    batches = published.plan(keys(replace(FULL, nics=(more,))), 1)
    assert [batch.subject for batch in batches] == ["nic:vif-0"]
    assert batches[0].ops == (
        (WRITE, "attr/vif/0/ipv4/1", b"192.0.2.11"),
        (WRITE, "attr/vif/0/ipv4/1/prefix", b"24"),
        (WRITE, "data/net/vif-0/ipv4/1", b"192.0.2.11"),
        (WRITE, "data/net/vif-0/ipv4/1/prefix", b"24"),
    )


def test_an_address_that_goes_leaves_no_gap_and_no_node() -> None:
    published, store = settled()
    drive(published, store, keys(replace(FULL, nics=(vif(0, GLOBAL6),))))
    assert "attr/vif/0/ipv6/0" in store.nodes
    assert not [path for path in store.nodes if path.startswith(("attr/vif/0/ipv4", "attr/vif/0/ipv6/1"))]


def test_an_interface_that_goes_leaves_no_directory() -> None:
    facts = replace(FULL, nics=(vif(0, GLOBAL4), vif(1, GLOBAL6), bridge(7, ("vif-1",), GLOBAL4)))
    published, store = settled(facts)
    less = replace(FULL, nics=(vif(0, GLOBAL4),))
    plan = published.plan(keys(less), 1)
    assert [batch.subject for batch in plan] == ["nic:bridge-7", "nic:vif-1"]
    assert plan[0].ops == ((REMOVE, "data/net/bridge-7", b""),)
    assert plan[1].ops == ((REMOVE, "attr/vif/1", b""), (REMOVE, "data/net/vif-1", b""))
    drive(published, store, keys(less))
    assert "attr/vif/1" not in store.nodes
    assert "data/net/bridge-7" not in store.nodes
    assert "data/net/vif-0/ipv4/0" in store.nodes


def test_the_first_stamp_comes_last_and_once() -> None:
    batches = Published().plan(keys(FULL), 0)
    assert batches[-1].subject == STAMP
    assert batches[-1].ops == ((WRITE, UPDATED, b"1"),)
    assert [batch.subject for batch in batches].count(STAMP) == 1


def test_no_stamp_before_the_balloon_has_settled() -> None:
    assert FULL.balloon is not None
    moving = replace(FULL, balloon=replace(FULL.balloon, settled=False, ready=False, supported=False))
    published, store = settled(moving)
    assert UPDATED not in store.nodes
    drive(published, store, keys(FULL))
    assert store.nodes[UPDATED] == b"1"


def test_a_change_that_nobody_watches_touches_a_watched_key() -> None:
    published, store = settled()
    renamed = replace(FULL, host=replace(FULL.host, name="web2"))
    batches = published.plan(keys(renamed), 1)
    assert batches[0].subject == "host"
    assert batches[1].ops == ((WRITE, TOUCHED, b"1"), (WRITE, UPDATED, b"2"))
    drive(published, store, keys(renamed), 1)
    assert published.plan(keys(renamed), 2) == []


def test_a_change_that_is_watched_needs_no_stamp() -> None:
    published, _ = settled()
    batches = published.plan(keys(FULL, {"sysprep": "1", "settime": "1"}), 1)
    assert [batch.subject for batch in batches] == ["features", "control"]


def test_a_stamp_waits_until_it_may_be_written() -> None:
    published, store = settled()
    renamed = replace(FULL, host=replace(FULL.host, name="web2"))
    without = {path: value for path, value in keys(renamed).items() if path != UPDATED}
    drive(published, store, without, 1)
    assert store.nodes[UPDATED] == b"1"
    drive(published, store, keys(renamed), 2)
    assert store.nodes[UPDATED] == b"2"


@pytest.mark.parametrize(
    ("free", "written"),
    [(1000000, False), (1009000, False), (1011000, True), (989000, True), (5, True)],
)
def test_memory_is_written_only_when_it_changed_much(free: int, written: bool) -> None:
    published, _ = settled()
    batches = published.plan(keys(replace(FULL, memory=Memory(total=2000000, free=free))), 1)
    assert [batch.subject for batch in batches] == (["memory"] if written else [])


def test_small_steps_add_up() -> None:
    published, store = settled()
    for step in range(1, 11):
        facts = replace(FULL, memory=Memory(total=2000000, free=1000000 + 1100 * step))
        drive(published, store, keys(facts), step)
    assert store.nodes["data/meminfo_free"] == b"1011000"


def test_a_number_that_is_none_is_written() -> None:
    published, store = settled()
    drive(published, store, {**keys(FULL), "data/meminfo_free": b"-"})
    assert store.nodes["data/meminfo_free"] == b"-"
    drive(published, store, keys(FULL))
    assert store.nodes["data/meminfo_free"] == b"1000000"


def libxl(verb: str, path: str, value: bytes) -> str:
    """The permissions that libxl gives."""
    del verb, value
    return "" if path.startswith(("data/", "attr/", "drivers/", "feature/")) else "EACCES"


def test_a_read_only_control_directory_costs_two_refusals_and_two_lines() -> None:
    published, store = Published(), ModelStore(refuses=libxl)
    offers = {"sysprep": "1", "exec": "1", "setcomputername": "1"}
    news = drive(published, store, keys(FULL, offers), rounds=8)
    assert news == 4  # features, feature-balloon, balloon-active, SR-IOV
    assert store.values() == {
        path: value for path, value in keys(FULL, offers).items() if not path.startswith("control/")
    }
    assert published.plan(keys(FULL, offers), 59) == []
    assert published.next_retry() == 60


def test_what_was_refused_is_tried_again_less_and_less_often() -> None:
    published, store = Published(), ModelStore(refuses=libxl)
    assert drive(published, store, keys(FULL)) == 4
    tries = []
    now = 0.0
    while now < 30000:
        retry = published.next_retry()
        assert retry is not None
        assert retry > now
        now = retry
        tries.append(now)
        assert drive(published, store, keys(FULL), now) == 0
    assert len({int(one) for one in tries}) < 16
    store.refuses = None
    for _ in range(3):
        retry = published.next_retry()
        if retry is not None:
            drive(published, store, keys(FULL), retry)
    assert store.values() == keys(FULL)
    assert published.next_retry() is None


def test_what_works_again_is_news_when_it_fails_again() -> None:
    broken = True

    def refuses(verb: str, path: str, value: bytes) -> str:
        del verb, value
        return "EINVAL" if broken and path == "data/os_name" else ""

    published, store = Published(), ModelStore(refuses=refuses)
    assert drive(published, store, keys(FULL)) == 1
    broken = False
    drive(published, store, keys(FULL), 60)
    assert store.nodes["data/os_name"]
    broken = True
    other = replace(FULL, system=replace(FULL.system, name="other"))
    assert drive(published, store, keys(other), 61) == 1


def test_one_key_of_the_hosts_does_not_stop_the_others() -> None:
    published = Published()
    store = ModelStore(refuses=lambda verb, path, value: "EACCES" if path == "data/os_name" else "")
    drive(published, store, keys(FULL))
    assert store.values() == {path: value for path, value in keys(FULL).items() if path != "data/os_name"}


@pytest.mark.parametrize("limit", [40, 60, 90, 100])
def test_a_small_quota_keeps_what_matters(limit: int) -> None:
    published, store = Published(), ModelStore(limit=limit)
    assert drive(published, store, keys(FULL)) == 1
    assert len(store.nodes) <= limit
    assert store.nodes["attr/PVAddons/MajorVersion"] == b"1"
    assert int(store.nodes[budget.OMITTED]) > 0
    retry = published.next_retry()
    assert retry is not None
    store.limit = 1000
    for _ in range(12):
        retry = published.next_retry()
        if retry is not None:
            drive(published, store, keys(FULL), retry)
    assert store.values() == {**keys(FULL), UPDATED: store.nodes[UPDATED]}
    assert published.next_retry() is None


def test_a_quota_of_nothing_is_survived() -> None:
    published = Published()
    store = ModelStore(refuses=lambda verb, path, value: "" if verb == REMOVE else "ENOSPC")
    assert drive(published, store, keys(FULL)) <= NODES_MIN + 2
    assert store.values() == {}
    assert published.plan(keys(FULL), 1) == []


def test_what_cannot_be_cleared_is_not_mixed_with_leftovers() -> None:
    published, store = Published(), ModelStore({"attr/vif/9/name": b"stale"})
    store.refuses = lambda verb, path, value: "ENOSPC" if verb == REMOVE else ""
    drive(published, store, keys(FULL))
    assert {path for path in store.values() if path.startswith("attr/vif")} == {"attr/vif/9/name"}
    assert store.nodes["data/os_name"]
    store.refuses = None
    drive(published, store, keys(FULL), 60)
    assert store.values() == {**keys(FULL), UPDATED: store.nodes[UPDATED]}


def test_a_conflict_postpones_one_subject() -> None:
    published, store = settled()
    facts = replace(FULL, host=replace(FULL.host, name="web2"), system=replace(FULL.system, name="new"))
    drive(published, store, keys(facts), 1, busy=lambda batch: "EAGAIN" if batch.subject == "host" else "")
    assert store.nodes["data/os_name"] == b"new"
    assert store.nodes["data/host_name"] == b"web1"
    assert published.next_retry() == 2
    drive(published, store, keys(facts), 2)
    assert store.nodes["data/host_name"] == b"web2"


def test_a_commit_that_finds_no_room() -> None:
    published, store = Published(), ModelStore()
    news = 0
    for _ in range(60):
        batches = published.plan(keys(FULL), 0)
        if not batches:
            break
        before = dict(store.nodes)
        assert store.apply(batches[0]) is None
        if len(store.nodes) > 50:
            store.nodes = before
            news += published.postponed(batches[0], 0, "ENOSPC")
        else:
            published.done(batches[0])
    assert published.plan(keys(FULL), 0) == []
    assert news == 1
    assert store.nodes["attr/PVAddons/MajorVersion"] == b"1"
    assert int(store.nodes[budget.OMITTED]) > 0


def test_a_commit_that_fails_for_ever_is_news_once() -> None:
    published = Published()
    batch = published.plan(keys(FULL), 0)[0]
    assert published.postponed(batch, 0, "EIO")
    assert not published.postponed(batch, 1, "EIO")
    assert not Published().postponed(batch, 0)


def test_a_stamp_in_conflict_comes_later() -> None:
    published, store = settled()
    facts = replace(FULL, host=replace(FULL.host, name="web2"))
    drive(published, store, keys(facts), 1, busy=lambda batch: "EAGAIN" if batch.subject == STAMP else "")
    assert store.nodes[UPDATED] == b"1"
    drive(published, store, keys(facts), 2)
    assert store.nodes[UPDATED] == b"2"


def test_a_stamp_that_is_refused() -> None:
    published, store = Published(), ModelStore()
    store.refuses = lambda verb, path, value: "EACCES" if path in {UPDATED, TOUCHED} else ""
    drive(published, store, keys(FULL))
    facts = replace(FULL, host=replace(FULL.host, name="web2"))
    drive(published, store, keys(facts), 1)
    assert store.nodes["data/host_name"] == b"web2"
    assert UPDATED not in store.nodes


@pytest.mark.parametrize("limit", range(NODES_MIN, 110, 7))
def test_what_was_written_of_a_refused_batch_does_not_stay(limit: int) -> None:
    """Without transactions, and with too little room for all."""
    store = ModelStore(limit=limit, transactions=False)
    published = Published()
    drive(published, store, keys(FULL))
    assert published.plan(keys(FULL), 1) == []
    held, wanted = store.values(), keys(FULL)
    assert set(held) - set(wanted) <= {"data/guestwright/agent/omitted"}
    assert all(wanted[path] == value for path, value in held.items() if path in wanted)
    store.limit = 1000
    for now in (100, 4000, 8000, 12000, 16000, 20000, 24000):
        drive(published, store, keys(FULL), now)
    assert {**store.values(), UPDATED: b""} == {**wanted, UPDATED: b""}


def test_a_watched_key_of_unknown_value_is_not_touched() -> None:
    published, store = settled()
    store.transactions = False
    store.refuses = lambda verb, path, value: "EACCES" if path.startswith("attr/PVAddons/Mi") else ""
    facts = replace(FULL, host=replace(FULL.host, name="web2"))
    for batch in published.plan({**keys(facts), TOUCHED: b"2", "attr/PVAddons/MinorVersion": b"9"}, 1):
        failed = store.apply(batch)
        if failed is not None:
            published.unsure(batch)
            published.refused(batch, *failed, 1)
    drive(published, store, {**keys(facts), TOUCHED: b"2", "attr/PVAddons/MinorVersion": b"9"}, 2)
    assert store.nodes[TOUCHED] == b"2"


def test_everything_is_written_again_after_the_connection_was_lost() -> None:
    published, _ = settled()
    published.lost()
    other = ModelStore({"attr/vif/3/name": b"stale"})
    drive(published, other, keys(FULL), 5)
    assert other.values() == {**keys(FULL), UPDATED: b"2"}


def test_leave() -> None:
    published, store = settled()
    farewell = published.farewell()
    assert len(farewell) == 1
    assert store.apply(farewell[0]) is None
    published.done(farewell[0])
    left = store.values()
    assert left["data/os_name"] == keys(FULL)["data/os_name"]
    assert left["control/feature-balloon"] == b"1"
    assert UPDATED in left
    assert not [
        path for path in left if path.startswith(("attr/", "control/feature-s", "data/net", "data/volumes"))
    ]
    assert published.farewell() == []


def test_keys_that_the_table_does_not_have() -> None:
    published, store = Published(), ModelStore()
    drive(published, store, {"data/unknown": b"x", **keys(FULL)})
    assert store.nodes["data/unknown"] == b"x"
    drive(published, store, keys(FULL))
    assert "data/unknown" not in store.nodes
    drive(published, store, {"data/unknown": b"x", **keys(FULL)})
    assert (REMOVE, "data/unknown", b"") in published.farewell()[0].ops
    store.refuses = lambda verb, path, value: "EACCES" if path == "data/unknown" else ""
    drive(published, store, {"data/unknown": b"y", **keys(FULL)})
    assert store.nodes["data/unknown"] == b"x"
