"""Reading again what has changed gives what reading all of it would, whatever a guest does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.host.facts.book import Book, Life
from guestwright.host.facts.decode import decode, decode_again
from guestwright.host.facts.intake import KEYS_MAX, VALUE_MAX, admit, admit_again
from guestwright.host.facts.reading import NODES_MAX, is_read, read, read_again
from guestwright.xenstore.client.errors import NoSuchPath
from guestwright.xenstore.client.operations import Outcomes, Several
from guestwright.xenstore.core.replies import Names, Value
from guestwright.xenstore.core.requests import Directory, Read

LIFE = Life("u", 5)
HOME = "/local/domain/5/"
PATHS = [
    "attr/PVAddons/Installed",
    "attr/PVAddons/MajorVersion",
    "attr/vif/0/ipv4/0",
    "attr/vif/0/ipv6/1",
    "attr/vif/1/mac/0",
    "control/feature-balloon",
    "control/feature-x",
    "control/sysprep/action",
    "data/balloon/current",
    "data/balloon/target",
    "data/boot/state",
    "data/guestwright/agent/version",
    "data/guestwright/disks/0/name",
    "data/guestwright/disks/0/size",
    "data/guestwright/features/sysprep",
    "data/guestwright/identity/ssh/0",
    "data/host_name",
    "data/meminfo_free",
    "data/meminfo_total",
    "data/net/version",
    "data/net/vif-0/ipv4/0",
    "data/net/vif-0/ipv4/0/prefix",
    "data/net/vif-10/mac",
    "data/net/vif-2/mac",
    "data/os_name",
    "data/updated",
    "data/volumes/0/mount_points/0",
    "data/volumes/0/name",
    "data/volumes/0/size",
    "drivers/0",
    "memory/target",
    "xenserver/attr/net-sriov-vf/0/ipv4/0",
]
VALUES = [
    b"",
    b"1",
    b"2",
    b"up",
    b"192.0.2.1",
    b"00:16:3e:00:00:01",
    b"\xff\n",
    b"x" * (VALUE_MAX + 1),
    b"v w x",
]
WITH_PARENTS = sorted(
    {path.rsplit("/", up)[0] for path in PATHS for up in range(path.count("/") + 1)} - {"memory"}
)


class Tree:
    """A store with one domain."""

    def __init__(self) -> None:
        self.nodes: dict[str, bytes] = {}
        self.told: set[str] = set()
        self.asked = 0

    def write(self, path: str, value: bytes) -> None:
        parts = path.split("/")
        for up in range(1, len(parts)):
            self.nodes.setdefault("/".join(parts[:up]), b"")
        self.nodes[path] = value
        self.told.add(path)

    def remove(self, path: str) -> None:
        for one in [one for one in self.nodes if (one + "/").startswith(path + "/")]:
            del self.nodes[one]
        self.told.add(path)

    def answer(self, request: Any) -> Any:
        self.asked += 1
        path = request.path.decode().removeprefix(HOME)
        if path not in self.nodes:
            return NoSuchPath(operation="read", subject=path, errno="ENOENT", attempts=1)
        if isinstance(request, Read):
            return Value(value=self.nodes[path])
        assert isinstance(request, Directory)
        below = [one[len(path) + 1 :] for one in self.nodes if one.startswith(path + "/")]
        return Names(names=tuple(one.encode() for one in below if "/" not in one))

    def run(self, steps: Any) -> Any:
        try:
            request = next(steps)
            while True:
                if isinstance(request, Several):
                    request = steps.send(Outcomes([self.answer(one) for one in request.requests]))
                    continue
                reply = self.answer(request)
                request = steps.throw(reply) if isinstance(reply, Exception) else steps.send(reply)
        except StopIteration as stop:
            return stop.value


def ordered(keys: Any) -> Any:
    return sorted(keys.values.items()), keys.size, keys.refused


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from(WITH_PARENTS), st.sampled_from(VALUES)),
        st.tuples(st.just("remove"), st.sampled_from(WITH_PARENTS), st.just(b"")),
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(rounds=st.lists(OPERATIONS, max_size=5))
def test_reading_again_is_reading_all(rounds: list[list[tuple[str, str, bytes]]]) -> None:
    tree, book = Tree(), Book()
    book.started(LIFE, 0.0)
    known: dict[str, bytes] = dict(tree.run(read(5)))
    keys = admit(known.items())
    told = decode(keys)
    for number, operations in enumerate(rounds):
        tree.told.clear()
        for what, path, value in operations:
            if what == "write":
                tree.write(path, value)
            else:
                tree.remove(path)
        changes = tree.run(read_again(5, known, tree.told))
        known.update((path, value) for path, value in changes.items() if value is not None)
        for path in [path for path, value in changes.items() if value is None]:
            known.pop(path, None)
        whole = dict(tree.run(read(5)))
        assert known == whole
        keys = admit_again(keys, changes, known)
        assert ordered(keys) == ordered(admit(whole.items()))
        told = decode_again(keys, told, changes)
        assert told == decode(admit(whole.items()))
        book.look_again(LIFE, changes, known, float(number))
        page = book.page("u")
        assert page is not None
        assert page.told == told


def test_it_asks_for_what_has_changed_only() -> None:
    tree = Tree()
    for path in PATHS:
        tree.write(path, b"1")
    known = dict(tree.run(read(5)))
    tree.asked = 0
    tree.told.clear()
    tree.write("data/meminfo_free", b"7")
    tree.write("data/guestwright/exec/in/1/2", b"a secret")
    tree.write("memory/target", b"7")
    assert tree.run(read_again(5, known, tree.told)) == {"data/meminfo_free": b"7"}
    assert tree.asked == 1


def test_what_is_no_fact_is_not_read() -> None:
    assert is_read("data/net/vif-0/ipv4/0/prefix")
    assert not is_read("data/net/vif-0/ipv4/0/prefix/deeper")
    for path in (
        "data/set_clipboard",
        "data/report_clipboard",
        "data/guestwright/exec/in/1/2",
        "memory/target",
    ):
        assert not is_read(path)


def test_a_guest_that_grows_is_read_as_a_whole() -> None:
    tree = Tree()
    for number in range(NODES_MAX + 1):
        tree.write(f"data/x{number}", b"1")
    assert tree.run(read_again(5, {}, tree.told)) is None


@pytest.mark.parametrize("room", [KEYS_MAX - 3, KEYS_MAX - 1])
def test_the_gate_is_as_narrow_the_second_time(room: int) -> None:
    raw = {f"data/x{number}": b"1" for number in range(room)}
    keys = admit(raw.items())
    changes: dict[str, bytes | None] = {"data/y/z": b"1", "data/boot/state": b"up"}
    after = {**raw, **{path: value for path, value in changes.items() if value is not None}}
    assert ordered(admit_again(keys, changes, after)) == ordered(admit(after.items()))
