"""What the agent publishes about this very machine, with both layouts of permissions, at both servers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestwright.agent.core import schema
from guestwright.agent.core.layout import desired
from guestwright.agent.linux.sources import LinuxSources
from guestwright.agent.loop import Loop
from guestwright.xenstore.client import operations as ops
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.core.requests import Control
from tests.support import xenstored
from tests.support.agent_process import HOME, PATIENCE, agent, serving, world

pytestmark = pytest.mark.system

LIBXL = {
    "": ("n0", "r5"),
    "/control": ("n0", "r5"),
    "/control/shutdown": ("n5",),
    "/control/feature-poweroff": ("n5",),
    "/data": ("n5",),
    "/attr": ("n5",),
    "/drivers": ("n5",),
    "/feature": ("n5",),
}
XENOPSD = {
    "": ("n0", "r5"),
    "/control": ("n5",),
    "/data": ("n5",),
    "/attr": ("n5",),
    "/drivers": ("n5",),
    "/feature": ("n5",),
    "/xenserver": ("n0", "r5"),
    "/xenserver/attr": ("n5",),
    "/unique-domain-id": ("n0", "r5"),
}
MOVING = {"data/meminfo_free", "data/updated"}  # they may change between two looks


def local() -> dict[str, bytes]:
    """What is to be published about this machine."""
    loop, collectors = Loop(), LinuxSources("/")
    collectors.start(loop, lambda **_: None)
    try:
        return desired(collectors.snapshot(), {}, {})
    finally:
        collectors.close()
        loop.close()


def held(store: Client) -> dict[str, bytes]:
    """All of our keys in the store."""
    found = {node.path[len(HOME) + 1 :]: node.value for node in store.tree(HOME)}
    return {key: value for key, value in found.items() if value and schema.find(key)}


def still(keys: dict[str, bytes]) -> dict[str, bytes]:
    """Without what moves, and what the agent offers."""
    return {
        path: value
        for path, value in keys.items()
        if path not in MOVING and not path.endswith("/free") and "feature" not in path
    }


NO_C = bool(xenstored.missing("c")) and "CI" not in os.environ
KINDS = ["ours", pytest.param("c", marks=pytest.mark.skipif(NO_C, reason="no C xenstored"))]


@pytest.mark.parametrize("kind", KINDS)
def test_the_store_holds_the_facts_of_this_machine(kind: str, tmp_path: Path) -> None:
    with world(kind, tmp_path) as one:
        one.wait("data/boot/state", lambda value: value == "up")
        shown = still(held(one.store))
        expected = {**still(local()), "data/boot/state": b"up"}
        assert shown == expected


@contextmanager
def permitted(layout: dict[str, tuple[str, ...]], directory: Path) -> Iterator[tuple[Client, Path]]:
    """An agent with certain permissions, when it has published; its store, and its log."""
    with serving("ours", directory) as (host, options), Client(host) as store:
        for path, permissions in layout.items():
            if path:
                store.write(HOME + path, "")
            store.set_perms(HOME + path, list(permissions))
        with agent(options, directory) as (_, log):
            store.wait_until(f"{HOME}/data/updated", lambda value: value is not None, timeout=PATIENCE)
            yield store, log


def test_permissions_of_libxl(tmp_path: Path) -> None:
    with permitted(LIBXL, tmp_path) as (store, log):
        shown = held(store)
        assert shown["attr/PVAddons/MajorVersion"] == b"1"
        assert shown["data/guestwright/features/sysprep"]
        assert not [path for path in shown if path.startswith("control/feature-s")]
        refusals = log.read_text().count("the store refuses")
        assert 1 <= refusals <= 6


def test_permissions_of_xenopsd(tmp_path: Path) -> None:
    with permitted(XENOPSD, tmp_path) as (store, log):
        shown = held(store)
        offered = {path for path in shown if path.startswith("control/feature-")}
        told = {
            path for path in shown if path.startswith("data/guestwright/features/") and shown[path] == b"1"
        }
        assert {path.rpartition("/")[2] for path in told} >= {path[16:] for path in offered}
        assert offered
        assert "the store refuses" not in log.read_text()
        assert store.get_perms(f"{HOME}/data/os_name") is not None


def test_leftovers_go_and_farewell_leaves_what_is_true(tmp_path: Path) -> None:
    with serving("ours", tmp_path) as (host, options), Client(host) as store:
        for path, value in {
            "attr/vif/9/ipv4/x": "192.0.2.9",
            "data/net/2": "eth0",
            "control/feature-xs-batcmd": "1",
            "data/cant_suspend_reason": "somebody else's",
        }.items():
            store.write(f"{HOME}/{path}", value)
            store.set_perms(f"{HOME}/{path}", ["n5"])
        for directory in ("attr", "attr/vif", "data", "data/net", "control"):
            store.set_perms(f"{HOME}/{directory}", ["n5"])
        with agent(options, tmp_path):
            store.wait_until(f"{HOME}/data/updated", lambda value: value is not None, timeout=PATIENCE)
            assert not store.exists(f"{HOME}/attr/vif/9")
            assert not store.exists(f"{HOME}/data/net/2")
            assert not store.exists(f"{HOME}/control/feature-xs-batcmd")
        left = held(store)
        assert store.get(f"{HOME}/data/cant_suspend_reason") == b"somebody else's"
        assert "data/os_name" in left
        assert "attr/PVAddons/Installed" not in left
        assert not [path for path in left if path.startswith(("data/net", "attr/", "data/volumes"))]


def test_a_quota_that_is_too_small(tmp_path: Path) -> None:
    """What matters is published, how much was left out is told, and nothing is tried in a circle."""
    with serving("ours", tmp_path) as (host, options), Client(host) as store:
        store.run(ops.simple(Control(words=(b"quota", b"set", b"nodes", b"40"))))
        with agent(options, tmp_path) as (_, log):
            store.wait_until(f"{HOME}/data/updated", lambda value: value is not None, timeout=PATIENCE)
            shown = held(store)
            assert shown["attr/PVAddons/MajorVersion"] == b"1"
            assert int(shown["data/guestwright/agent/omitted"]) > 0
            assert log.read_text().count("ENOSPC") == 1
