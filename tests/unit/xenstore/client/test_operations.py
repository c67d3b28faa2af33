"""Operations of several requests, against a server that is a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.xenstore.client import domains
from guestwright.xenstore.client import operations as ops
from guestwright.xenstore.client.errors import InvalidRequest, NoSuchPath, QuotaExceeded, Refused, refusal
from guestwright.xenstore.core import requests
from guestwright.xenstore.core.errors import BadMessage
from guestwright.xenstore.core.replies import Done, Failure, Flag, Names, Number, Part, Reply, Text, Value

T = TypeVar("T")
Serve = Callable[[requests.Request], Reply]


def run(steps: ops.Steps[T], serve: Serve) -> T:
    try:
        request = next(steps)
        while True:
            if isinstance(request, ops.Several):
                replies = [(one, serve(one)) for one in request.requests]
                each = [
                    refusal(one, reply.name) if isinstance(reply, Failure) else reply
                    for one, reply in replies
                ]
                request = steps.send(ops.Outcomes(each))
                continue
            reply = serve(request)
            if isinstance(reply, Failure):
                request = steps.throw(refusal(request, reply.name))
            else:
                request = steps.send(reply)
    except StopIteration as stop:
        result: T = stop.value
        return result


def paged(names: list[bytes], size: int) -> Serve:
    """Too long for DIRECTORY; parts of whole names, at most so many bytes each but at least one name."""
    listing = b"".join([name + b"\0" for name in names])

    def serve(request: requests.Request) -> Reply:
        if isinstance(request, requests.Directory):
            return Failure("E2BIG")
        assert isinstance(request, requests.DirectoryPart)
        rest = listing[request.offset :]
        cut = rest[: max(size, rest.find(b"\0") + 1)]
        cut = cut[: cut.rfind(b"\0") + 1]
        return Part(7, cut, len(cut) == len(rest))

    return serve


NAMES = st.lists(st.text("abc-_@09", min_size=1, max_size=20).map(str.encode), max_size=30)


@given(NAMES, st.integers(1, 60))
def test_long_directories_come_in_parts(names: list[bytes], size: int) -> None:
    assert run(ops.children("/"), paged(names, size)) == [name.decode() for name in names]


def test_a_directory_that_changes_is_read_again() -> None:
    parts = [(1, b"a\0", False), (2, b"b\0", False), (2, b"x\0", False), (2, b"y\0", True)]
    replies = iter([Part(*one) for one in parts])
    offsets = []

    def serve(request: requests.Request) -> Reply:
        if isinstance(request, requests.Directory):
            return Failure("E2BIG")
        assert isinstance(request, requests.DirectoryPart)
        offsets.append(request.offset)
        return next(replies)

    assert run(ops.children("/"), serve) == ["x", "y"]
    assert offsets == [0, 2, 0, 2]


def test_a_part_without_names_does_not_loop() -> None:
    def serve(request: requests.Request) -> Reply:
        return Failure("E2BIG") if isinstance(request, requests.Directory) else Part(1, b"", last=False)

    with pytest.raises(BadMessage):
        run(ops.children("/"), serve)


def test_a_long_directory_of_a_server_without_parts() -> None:
    def serve(request: requests.Request) -> Reply:
        return Failure("E2BIG" if isinstance(request, requests.Directory) else "ENOSYS")

    with pytest.raises(QuotaExceeded) as caught:
        run(ops.children("/a"), serve)
    assert caught.value.errno == "E2BIG"


def test_tree_leaves_out_what_vanishes_and_shows_what_cannot_be_read() -> None:
    def serve(request: requests.Request) -> Reply:
        match request:
            case requests.Directory(path=b"/"):
                return Names((b"gone", b"hidden", b"x"))
            case requests.Directory(path=b"/gone"):
                return Failure("ENOENT")
            case requests.Directory():
                return Names(())
            case requests.Read(path=b"/hidden"):
                return Failure("EACCES")
            case requests.Read():
                return Value(b"v")
            case _:
                return Names((b"n0", b"r5"))

    found = run(ops.tree("/", perms=True), serve)
    assert [(one.path, one.value, one.perms) for one in found] == [
        ("/", b"v", ("n0", "r5")),
        ("/hidden", None, ("n0", "r5")),
        ("/x", b"v", ("n0", "r5")),
    ]


@given(st.dictionaries(st.text("ab/", max_size=8), st.binary(max_size=3), max_size=200), st.booleans())
def test_trees_of_all_forms_come_parents_first(values: dict[str, bytes], perms: bool) -> None:
    nodes: dict[str, bytes] = {"/": b""}
    for name, value in values.items():
        parts = [part for part in name.split("/") if part]
        for end in range(len(parts)):
            nodes.setdefault("/" + "/".join(parts[: end + 1]), b"")
        nodes["/" + "/".join(parts)] = value

    def serve(request: requests.Request) -> Reply:
        match request:
            case requests.Directory(path=path):
                start = path.decode().rstrip("/") + "/"
                names = [one[len(start) :] for one in nodes if one.startswith(start) and one != "/"]
                return Names(tuple([one.encode() for one in names if "/" not in one]))
            case requests.Read(path=path):
                return Value(nodes[path.decode()])
            case _:
                return Names((b"n0",))

    found = run(ops.tree("/", perms=perms), serve)
    assert {one.path: one.value for one in found} == nodes
    assert len(found) == len(nodes)
    seen = set()
    for one in found:
        parent = one.path.rpartition("/")[0] or "/"
        assert one.path == "/" or parent in seen
        assert one.depth == (one.path.count("/") if one.path != "/" else 0)
        assert one.perms == (("n0",) if perms else ())
        seen.add(one.path)
    # a subtree is in one piece
    order = [one.path for one in found]
    for path in order[1:]:
        inside = [n for n, other in enumerate(order) if other == path or other.startswith(path + "/")]
        assert inside == list(range(inside[0], inside[-1] + 1))


def test_tree_of_a_long_directory() -> None:
    pages = paged([b"a", b"b", b"c"], 4)

    def serve(request: requests.Request) -> Reply:
        match request:
            case requests.Directory(path=b"/") | requests.DirectoryPart():
                return pages(request)
            case requests.Directory():
                return Names(())
            case _:
                return Value(b"")

    assert [one.path for one in run(ops.tree("/"), serve)] == ["/", "/a", "/b", "/c"]


def test_tree_of_nothing() -> None:
    with pytest.raises(NoSuchPath):
        run(ops.tree("/a"), lambda _: Failure("ENOENT"))


@pytest.mark.parametrize(
    ("steps", "reply", "result"),
    [
        (ops.get("/a"), Failure("ENOENT"), None),
        (ops.get("/a"), Value(b""), b""),
        (ops.exists("/a"), Value(b""), True),
        (ops.exists("/a"), Failure("ENOENT"), False),
        (ops.write("/a", "ä"), Done(), None),
        (ops.get_perms("/a"), Names((b"n0",)), ["n0"]),
        (domains.path(5), Text(b"/local/domain/5"), "/local/domain/5"),
        (domains.is_introduced(5), Flag(value=True), True),
        (domains.introduce(5, gfn=1, port=2), Done(), None),
        (domains.release(5), Done(), None),
        (domains.resume(5), Done(), None),
        (domains.set_target(5, 6), Done(), None),
        (domains.features(), Number(14), 14),
        (domains.set_features(5, 4), Done(), None),
        (domains.quotas(), Text(b"nodes watches"), ["nodes", "watches"]),
        (domains.quota("nodes", 5), Text(b"1000"), 1000),
        (domains.set_quota("nodes", 5), Done(), None),
        (domains.control("check"), Value(b"OK\0"), "OK"),
        (ops.start(), Number(3), 3),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_operations_of_one_request(steps: ops.Steps[object], reply: Reply, result: object) -> None:
    assert run(steps, lambda _: reply) == result


@pytest.mark.parametrize(
    "make", [ops.read, ops.get, ops.mkdir, ops.rm, ops.children, ops.get_perms, ops.tree]
)
def test_a_nul_in_a_path_never_reaches_the_wire(make: Callable[[str], ops.Steps[object]]) -> None:
    with pytest.raises(InvalidRequest):
        next(make("/a\0b"))


def test_a_reply_of_the_wrong_form() -> None:
    with pytest.raises(BadMessage):
        run(ops.read("/a"), lambda _: Done())


def test_other_refusals_pass_through() -> None:
    with pytest.raises(Refused) as caught:
        run(ops.get("/a"), lambda _: Failure("EIO"))
    assert caught.value.errno == "EIO"


@given(st.binary(max_size=50).filter(lambda raw: b"\0" not in raw))
def test_names_survive_as_text(raw: bytes) -> None:
    assert ops.raw(ops.text(raw), "x") == raw


@pytest.mark.parametrize(
    ("path", "name", "child"), [("/", "a", "/a"), ("/a", "b", "/a/b"), ("a", "b", "a/b")]
)
def test_child_path(path: str, name: str, child: str) -> None:
    assert ops.child_path(path, name) == child
