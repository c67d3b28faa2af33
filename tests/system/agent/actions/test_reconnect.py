"""The store goes away and comes back, with or without its memory: nothing is lost that could be kept."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from guestwright.exec_channel.errors import NoAnswer
from guestwright.xenstore.client.client import Client
from tests.support import xenstored
from tests.support.agent_process import HOME, PATIENCE, World, agent, eventually, memory, serving, world
from tests.support.xenstore_server import Process

pytestmark = pytest.mark.system

EXEC = '[features]\nexec = true\n[exec]\ncommands = ["*"]\n'
PRIVATE = ("meminfo", "free", "updated", "exec")


def published(store: Client) -> dict[str, bytes | None]:
    """What the agent has written, without what changes by itself."""
    nodes = store.tree(HOME)
    return {one.path: one.value for one in nodes if not any(word in one.path for word in PRIVATE)}


@pytest.mark.skipif(bool(xenstored.missing("c")) and "CI" not in os.environ, reason="no C xenstored")
def test_a_store_that_forgets_all_is_filled_again(tmp_path: Path) -> None:
    with xenstored.started("c") as server, Client(server.socket) as store:
        store.write(f"{HOME}/domid", "5")
        with agent(["--socket", server.socket, "--home", HOME], tmp_path, EXEC) as (process, log):
            one = World(store, process, log)
            one.wait("data/updated", lambda value: value is not None)
            before = published(store)
            call = one.guest.call("command", [("arg", "/bin/sh"), ("arg", "-c"), ("arg", "echo; sleep 60")])
            next(call)
            server.restart()
            store.exists("/")  # what is being written when the connection ends is not written again
            store.write(f"{HOME}/domid", "5")
            eventually(lambda: store.exists(f"{HOME}/data/updated") and published(store) == before)
            with pytest.raises(NoAnswer):
                list(call)
            assert one.guest.run(["/bin/echo", "x"]).out == b"x\n"
            one.put("control/shutdown", "unknown")  # watches are there again
            one.put("control/sysprep/action", "sysprep")
            one.wait("control/sysprep/action", lambda value: value is None)


def test_calls_survive_a_server_that_is_killed_and_remembers(tmp_path: Path) -> None:
    directory = tmp_path / "server"
    directory.mkdir()
    server = Process(str(directory), journal=True)
    try:
        with Client(server.socket, patience=PATIENCE) as store:
            store.write(f"{HOME}/domid", "5")
            with agent(["--socket", server.socket, "--home", HOME], tmp_path, EXEC) as (process, log):
                one = World(store, process, log)
                one.wait("data/updated", lambda value: value is not None)
                script = "for i in $(seq 1 60); do head -c 20000 /dev/zero; sleep 0.05; done"
                total = 0
                with one.guest.call("command", [("arg", "/bin/sh"), ("arg", "-c"), ("arg", script)]) as call:
                    for times, (_, data) in enumerate(call):
                        total += len(data)
                        if times in {40, 200}:
                            server.end(signal.SIGKILL)
                            server = Process(str(directory), journal=True)
                assert (total, call.ended) == (1_200_000, "exit 0")
    finally:
        if server.child.poll() is None:
            server.end()


def test_everything_is_written_again_after_a_resumption(tmp_path: Path) -> None:
    """A kernel that was resumed elsewhere registers its watches anew, so they all fire."""
    with world("ours", tmp_path) as one:
        before = published(one.store)
        one.store.rm(f"{HOME}/data")
        one.store.rm(f"{HOME}/attr")
        one.put("domid", "6")
        eventually(lambda: one.store.exists(f"{HOME}/data/updated"))
        after = published(one.store)
        assert {**after, f"{HOME}/domid": b"5"} == before


def switches(pid: int) -> int:
    """How often a process has gone to sleep."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])


@pytest.mark.skipif(os.geteuid() != 0 and "CI" not in os.environ, reason="namespaces of its own need root")
def test_at_rest_the_agent_is_small_and_sleeps(tmp_path: Path) -> None:
    """In namespaces of its own: other tests' mounts and network cards wake it, rightly."""
    alone = ["unshare", "--net", "--mount", "--propagation", "private"]
    with (
        serving("ours", tmp_path) as (host, options),
        Client(host) as store,
        agent(options, tmp_path, prefix=alone) as (process, log),
    ):
        World(store, process, log).wait("data/updated", lambda value: value is not None)
        counts: list[int] = []
        while not counts or (counts[-1] > 4 and len(counts) < 30):  # disks of other tests still wake it
            before = switches(process.pid)
            time.sleep(4)
            counts.append(switches(process.pid) - before)
        assert counts[-1] <= 4, counts
        assert memory(process.pid) < 13_000  # 12 MB for the archive as it ships: see the bench


def test_what_the_host_tells_of_its_devices_is_used(tmp_path: Path) -> None:
    """A virtual function of a card is known by its MAC, which the host wrote."""
    with world("ours", tmp_path) as one:
        macs = [node.value for node in one.store.tree(f"{HOME}/data/net") if node.path.endswith("/mac")]
        if not macs:
            assert "CI" not in os.environ
            pytest.skip("this machine has no network card")
        assert one.get("xenserver/attr/net-sriov-vf/3/mac/0") is None
        one.put("xenserver/device/net-sriov-vf/3/mac", (macs[0] or b"").decode())
        eventually(lambda: one.store.exists(f"{HOME}/xenserver/attr/net-sriov-vf/3"))
        one.store.rm(f"{HOME}/xenserver/device/net-sriov-vf/3")
        eventually(lambda: not one.store.exists(f"{HOME}/xenserver/attr/net-sriov-vf/3/name"))
