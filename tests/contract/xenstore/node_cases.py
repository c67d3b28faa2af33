"""Contract of the client: nodes, permissions, limits. Plain functions; see `run`."""

from __future__ import annotations

from guestwright.xenstore.client import domains
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.errors import (
    AccessDenied,
    Closed,
    InvalidRequest,
    NoSuchPath,
    QuotaExceeded,
    Refused,
    TooBig,
)
from tests.contract.xenstore.world import World, refused


def case_values_are_bytes(world: World) -> None:
    path = world.path("value")
    with world.client() as store:
        for value in (b"", b"1", b"two words", b"line\nend\n", b"\0", b"a\0b\0", bytes(range(256))):
            store.write(path, value)
            assert store.read(path) == value, value


def case_text_is_utf8(world: World) -> None:
    path = world.path("text")
    with world.client() as store:
        store.write(path, "grüße")
        assert store.read(path) == "grüße".encode()
        assert store.read_text(path) == "grüße"
        store.write(path, b"\xff")
        assert store.read_text(path) == "\ufffd"


def case_write_makes_what_is_above(world: World) -> None:
    with world.client() as store:
        store.write(world.path("a/b/c"), "1")
        assert store.read(world.path("a/b")) == b""
        assert store.children(world.path("a")) == ["b"]


def case_mkdir_keeps_what_is_there(world: World) -> None:
    path = world.path("node")
    with world.client() as store:
        store.mkdir(path)
        assert store.read(path) == b""
        store.write(path, "kept")
        store.mkdir(path)
        assert store.read(path) == b"kept"


def case_missing_nodes(world: World) -> None:
    path = world.path("missing")
    with world.client() as store:
        assert store.get(path) is None
        assert not store.exists(path)
        error = refused(NoSuchPath, lambda: store.read(path))
        assert isinstance(error, Refused)
        assert error.errno == "ENOENT"
        assert path in error.message
        refused(NoSuchPath, lambda: store.children(path))
        refused(NoSuchPath, lambda: store.get_perms(path))
        refused(NoSuchPath, lambda: store.tree(path))
        store.mkdir(path)
        assert store.exists(path)
        assert store.get(path) == b""


def case_rm_takes_the_subtree(world: World) -> None:
    with world.client() as store:
        store.write(world.path("a/b/c"), "1")
        store.write(world.path("ab"), "stays")
        store.rm(world.path("a"))
        assert store.children(world.base) == ["ab"]
        store.rm(world.path("a"))  # nothing to do is no error


def case_rm_below_nothing(world: World) -> None:
    with world.client() as store:
        refused(NoSuchPath, lambda: store.rm(world.path("no/such/node")))


def case_children(world: World) -> None:
    names = ["one", "two", "x-1", "under_score", "at@", "UPPER", "0"]
    with world.client() as store:
        assert store.children(world.base) == []
        for name in names:
            store.mkdir(world.path(name))
        assert sorted(store.children(world.base)) == sorted(names)


def case_long_directories(world: World) -> None:
    if not world.privileged:
        return  # a guest's node may have 2048 bytes
    names = [f"child-{number:05}" for number in range(600)]
    with world.client() as store:
        with store.transaction() as inside:
            for name in names:
                inside.mkdir(world.path(name))
        try:
            found = store.children(world.base)
        except QuotaExceeded:  # oxenstored 4.17 has no DIRECTORY_PART, and a ring's replies have 4096 bytes
            assert world.oxenstored
            assert store.connection.through_kernel
        else:
            assert sorted(found) == names


def case_tree(world: World) -> None:
    with world.client() as store:
        store.write(world.path("a/b"), "1")
        store.write(world.path("c"), "2")
        found = store.tree(world.base, perms=True)
        assert found[0].path == world.base
        assert found[0].depth == 0
        assert sorted((one.path, one.value, one.depth) for one in found[1:]) == [
            (world.path("a"), b"", 1),
            (world.path("a/b"), b"1", 2),
            (world.path("c"), b"2", 1),
        ]
        assert all(list(one.perms) == store.get_perms(one.path) for one in found)
        assert found.index(found[1]) < len(found)


def case_permissions(world: World) -> None:
    path = world.path("node")
    with world.client() as store:
        store.mkdir(path)
        owner, *others = store.get_perms(path)
        assert owner[0] in "nrwb"
        wanted = [f"r{owner[1:]}", "n7", "w3", "b4"]
        store.set_perms(path, wanted)
        assert store.get_perms(path) == wanted
        store.set_perms(path, [owner, *others])
        assert store.get_perms(path) == [owner, *others]


def case_malformed_permissions(world: World) -> None:
    path = world.path("node")
    with world.client() as store:
        store.mkdir(path)
        before = store.get_perms(path)
        for bad in (["x0"], ["0"]):
            refused(Refused, lambda bad=bad: store.set_perms(path, bad))  # type: ignore[misc]  # bound early
        assert store.get_perms(path) == before


def case_invalid_paths(world: World) -> None:
    with world.client() as store:
        for bad in ("a b", "a.b", "a//b", "a/", "grün"):
            refused(InvalidRequest, lambda bad=bad: store.read(world.path(bad)))  # type: ignore[misc]  # same
        refused(InvalidRequest, lambda: store.write(world.path("a\0b"), ""))
        refused(InvalidRequest, lambda: store.read(""))
        assert store.children(world.base) == []


def case_too_big_is_not_sent(world: World) -> None:
    path = world.path("node")
    with world.client() as store:
        error = refused(TooBig, lambda: store.write(path, bytes(world.message_max - len(path))))
        assert isinstance(error, TooBig)
        assert not store.exists(path)
        store.write(path, "fits")


def case_as_big_as_can_be(world: World) -> None:
    path = world.path("node")
    value = bytes(world.message_max - len(path) - 1)
    with world.client() as store:
        if world.privileged and not world.oxenstored:
            store.write(path, value)
            assert store.read(path) == value
        else:
            refused(QuotaExceeded, lambda: store.write(path, value))
        store.write(path, bytes(1900))
        assert store.read(path) == bytes(1900)


def case_relative_paths(world: World) -> None:
    with world.client() as store:
        home = "/local/domain/0" if world.privileged else "/local/domain/" + store.read_text("domid")
        relative = "guestwright-relative" if world.privileged else world.path("node")
        try:
            store.write(relative, "1")
            assert store.read(f"{home}/{relative}") == b"1"
        finally:
            store.rm(relative)
            if world.privileged and store.children(home) == []:
                store.rm("/local")


def case_forbidden(world: World) -> None:
    if world.privileged:
        return
    with world.client() as store:
        refused(AccessDenied, lambda: store.write("/guestwright", "1"))
        refused(AccessDenied, lambda: store.run(domains.release(1)))


def case_domains(world: World) -> None:
    with world.client() as store:
        assert store.run(domains.path(5)) == "/local/domain/5"
        if world.privileged:
            assert store.run(domains.is_introduced(0))
            assert not store.run(domains.is_introduced(31999))


def case_closed_client(world: World) -> None:
    store: Client = world.client()
    store.close()
    store.close()
    refused(Closed, lambda: store.read(world.base))
    refused(Closed, lambda: store.watch(world.base))
    refused(Closed, lambda: store.transaction().__enter__())
