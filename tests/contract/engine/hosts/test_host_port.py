"""What every host port does: the simulated host of the jobs' tests, and services through the client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from guestwright.base.errors import GuestwrightError
from guestwright.engine.hosts.port import ClientHosts
from guestwright.engine.jobs.errors import DurableJobTaken, TryAgain
from guestwright.engine.templates.host_port import HostPort, Order, Place, Standing
from tests.support.host_port_rigs import PAYLOAD, RIGS, Rig, description
from tests.support.tools import needs

pytestmark = needs("qemu-img", "mke2fs", "e2fsck", "debugfs")

JOB = "00000000-0000-7000-8000-00000000b001"
VM = "0c6f5c5e-7a3a-4a43-9e0e-2f1f3f3d9a01"


def order(request: str, *, epoch: int = 1, undo: bool = False, job: str = JOB) -> Order:
    return Order(job=job, epoch=epoch, request=f"{job}-{request}", undo=undo)


def undoing(request: str) -> Order:
    return order(request, undo=True)


def nothing(done: int, total: int) -> None:
    del done, total


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    with RIGS[request.param](tmp_path) as one:
        yield one


def refused(error: GuestwrightError) -> bool:
    return not isinstance(error, TryAgain | DurableJobTaken)


def copied(rig: Rig, standing: Standing, volume: str = "copy") -> Place:
    """A copy of a disk."""
    source = rig.source("source")
    rig.hosts.copy(order(f"copy-{volume}"), source, rig.place(volume), standing, nothing)
    return rig.place(volume)


@pytest.mark.parametrize("wanted", Standing)
def test_a_copy_stands_as_it_was_asked_for(rig: Rig, wanted: Standing) -> None:
    made = copied(rig, wanted)
    assert rig.standing("copy") == wanted
    rig.hosts.copy(order("copy-copy"), rig.place("source"), made, wanted, nothing)
    assert (rig.standing("copy"), rig.standing("source")) == (wanted, "legal")


def test_what_is_to_be_sealed_is_legal_only_after_that(rig: Rig) -> None:
    made = copied(rig, Standing.ILLEGAL)
    for wanted in (Standing.LEGAL, Standing.SHARED):
        with pytest.raises(GuestwrightError) as caught:
            rig.hosts.mark(order(f"early-{wanted}"), made, wanted)
        assert refused(caught.value)
        assert rig.standing("copy") == "illegal"
    first = dict(rig.hosts.seal(order("seal"), [made], nothing))
    assert rig.standing("copy") == "illegal"
    assert first
    assert dict(rig.hosts.seal(order("seal"), [made], nothing)) == first  # the same request, done once
    for _ in range(2):
        rig.hosts.mark(order("share"), made, Standing.SHARED)
        assert rig.standing("copy") == "shared"


def test_a_thin_layer_is_sealed_and_becomes_a_machines(rig: Rig) -> None:
    base = copied(rig, Standing.SHARED, "base")
    layer = rig.place("layer")
    for _ in range(2):
        rig.hosts.layer(order("layer"), base, layer, Standing.ILLEGAL)
        assert rig.standing("layer") == "illegal"
    rig.hosts.seal(order("seal"), [layer], nothing)
    rig.hosts.mark(order("legal"), layer, Standing.LEGAL)
    assert (rig.standing("layer"), rig.standing("base")) == ("legal", "shared")


def test_nothing_stands_on_a_leaf(rig: Rig) -> None:
    base = copied(rig, Standing.LEGAL, "base")
    with pytest.raises(GuestwrightError) as caught:
        rig.hosts.layer(order("layer"), base, rig.place("layer"), Standing.LEGAL)
    assert refused(caught.value)
    assert rig.standing("layer") == ""


def test_marking_what_stands_so_and_what_is_gone(rig: Rig) -> None:
    made = copied(rig, Standing.SHARED)
    rig.hosts.mark(order("share"), made, Standing.SHARED)
    rig.hosts.mark(order("illegal"), made, Standing.ILLEGAL)
    assert rig.standing("copy") == "illegal"
    rig.hosts.mark(order("again"), made, Standing.ILLEGAL)
    rig.hosts.mark(order("none"), rig.place("none"), Standing.ILLEGAL)
    assert rig.standing("none") == ""


def test_deleting_what_is_there_and_what_is_not(rig: Rig) -> None:
    made = copied(rig, Standing.ILLEGAL)
    for request in ("delete", "delete", "delete-again"):
        rig.hosts.delete(undoing(request), made)
        assert rig.standing("copy") == ""


def test_a_copy_that_is_given_up_leaves_nothing_once_it_is_undone(rig: Rig) -> None:
    class GivenUp(Exception):
        pass

    def give_up(done: int, total: int) -> None:
        raise GivenUp

    source = rig.source("source")
    with pytest.raises(GivenUp):
        rig.hosts.copy(order("copy"), source, rig.place("copy"), Standing.ILLEGAL, give_up)
    rig.hosts.delete(undoing("delete"), rig.place("copy"))
    assert (rig.standing("copy"), rig.standing("source")) == ("", "legal")


def test_a_machine_is_defined_given_a_payload_and_all_of_it_taken_away(rig: Rig) -> None:
    copied(rig, Standing.LEGAL)
    host, hosts = rig.place("copy").host, rig.hosts
    wanted = description(rig, "copy")
    for _ in range(2):
        hosts.define(order("define"), host, VM, wanted)
        assert rig.machines() == {VM: "web1"}
        hosts.give_payload(order("give"), host, VM, PAYLOAD, run_once=True)
        assert rig.payloads(VM) == ["run-once"]
    for request in ("take", "take", "again"):
        hosts.take_payload(undoing(request), host, VM, PAYLOAD, run_once=True)
        assert rig.payloads(VM) == []
    for request in ("undefine", "undefine", "again-undefine"):
        hosts.undefine(undoing(request), host, VM)
        assert rig.machines() == {}
    hosts.take_payload(undoing("take-of-none"), host, VM, PAYLOAD, run_once=True)
    assert rig.standing("copy") == "legal"


ORDERS: dict[str, Callable[[HostPort, Rig, Order], object]] = {
    "copy": lambda hosts, rig, late: hosts.copy(
        late, rig.place("source"), rig.place("late"), Standing.LEGAL, nothing
    ),
    "layer": lambda hosts, rig, late: hosts.layer(late, rig.place("base"), rig.place("late"), Standing.LEGAL),
    "mark": lambda hosts, rig, late: hosts.mark(late, rig.place("base"), Standing.ILLEGAL),
    "seal": lambda hosts, rig, late: hosts.seal(late, [rig.place("source")], nothing),
    "delete": lambda hosts, rig, late: hosts.delete(late, rig.place("source")),
    "define": lambda hosts, rig, late: hosts.define(late, rig.place("").host, VM, description(rig, "source")),
    "undefine": lambda hosts, rig, late: hosts.undefine(late, rig.place("").host, VM),
    "give": lambda hosts, rig, late: hosts.give_payload(
        late, rig.place("").host, VM, PAYLOAD, run_once=False
    ),
    "take": lambda hosts, rig, late: hosts.take_payload(
        late, rig.place("").host, VM, PAYLOAD, run_once=False
    ),
}


@pytest.mark.parametrize("later", [order("later", epoch=2), undoing("later")], ids=["epoch", "undo"])
def test_what_comes_too_late_has_no_effect(rig: Rig, later: Order) -> None:
    base = copied(rig, Standing.SHARED, "base")
    rig.hosts.mark(later, base, Standing.SHARED)
    for name, late in ORDERS.items():
        with pytest.raises(DurableJobTaken):
            late(rig.hosts, rig, order(f"late-{name}"))
    found = {volume: rig.standing(volume) for volume in ("source", "base", "late")}
    assert found == {"source": "legal", "base": "shared", "late": ""}
    assert rig.machines() == {}
    other = order("copy", job="00000000-0000-7000-8000-00000000b002")  # has epochs of its own
    rig.hosts.copy(other, rig.place("source"), rig.place("others"), Standing.LEGAL, nothing)
    assert rig.standing("others") == "legal"


def test_the_next_worker_goes_on_with_the_same_request(rig: Rig) -> None:
    made = copied(rig, Standing.ILLEGAL)
    first = dict(rig.hosts.seal(order("seal"), [made], nothing))
    again = dict(rig.hosts.seal(order("seal", epoch=2), [made], nothing))
    assert again == first
    assert rig.standing("copy") == "illegal"


def conforms(hosts: ClientHosts) -> HostPort:
    """For the type checker."""
    return hosts


def test_a_checksum_is_of_the_whole_file(rig: Rig) -> None:
    source = rig.source("source")
    found = rig.hosts.checksum(order("sum"), source, nothing)
    assert found == rig.sha256("source")
    with pytest.raises(GuestwrightError) as caught:
        rig.hosts.checksum(order("sum-2"), rig.place("none"), nothing)
    assert refused(caught.value)
