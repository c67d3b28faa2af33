"""A host, or whoever may write to the store, that writes anything anywhere: the agent goes on, and idles."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from guestwright.agent.exchange import streams
from guestwright.xenstore.client.errors import Refused
from tests.support.agent_process import HOME, World, eventually, made, memory, world

pytestmark = pytest.mark.system

EVERYTHING = """
[features]
exec = true
file = true
batcmd = true
clipboard = true
[exec]
commands = ["/bin/true"]
[clipboard]
socket = "/run/clip"
[fsfreeze]
paths = ["/proc"]
"""
PARTS = ("host/a", "host/b", "guest/a", "in/a/0", "in/a/1", "in/b/0", "out/a/0", "host/UPPER", "host/a/b")
KEYS = (
    "control/shutdown",
    "control/sysprep/action",
    "control/sysprep/filename",
    "control/batcmd/state",
    "control/batcmd/script",
    "control/setcomputername/action",
    "control/setcomputername/name",
    "data/guestwright/time/set",
    "data/guestwright/fsfreeze/request",
    "data/set_clipboard",
    "data/report_clipboard",
    "xenserver/device/vif/0/static-ip-setting/enabled",
    "xenserver/device/vif/x/static-ip-setting/enabled6",
    "xenserver/device/vif/0/mac",
    "device/vif/0/mac",
    "device/vif/9999999999/mac",
    "memory/target",
    "unique-domain-id",
    "data/guestwright/exec",
    "data/guestwright/features",
    "attr/PVAddons",
    "data/updated",
    *(f"data/guestwright/exec/{part}" for part in PARTS),
)
VALUES = (
    b"",
    b"1",
    b"0",
    b"sysprep",
    b"running",
    b"READY",
    b"set",
    b"freeze 1",
    b"freeze",
    b"thaw",
    b"1 0 ",
    b"2 0 ",
    b"64 0 ",
    b"65 0 ",
    b"999999999999 999999999999 x",
    b"1 1 cancel",
    b"Rkind=command\0arg=/bin/true\0",
    b"Rkind=read\0path=/etc/passwd\0",
    b"Rkind=",
    b"r",
    b"i",
    b"\xff\0\xfe",
    b"\n[x]\n",
    b"x" * 1900,
)


def cpu(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def storm(one: World, dice: random.Random, times: int) -> None:
    for _ in range(times):
        path = f"{HOME}/{dice.choice(KEYS)}"
        try:
            if dice.random() < 0.2:
                one.store.rm(path)
            else:
                value = dice.choice(VALUES) if dice.random() < 0.9 else dice.randbytes(dice.randrange(100))
                one.store.write(path, value)
            if dice.random() < 0.03:
                one.store.set_perms(path, [dice.choice(["n0", "n5", "r5", "b0"])])
        except Refused:
            continue


def test_any_values_in_any_order(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("poweroff", "reboot", "ip"):
        made(root / "sbin" / name, "#!/bin/sh\n")
    made(root / "sys/power/state", "mem\n", mode=0o644)
    with world("ours", tmp_path, EVERYTHING, str(root)) as one:
        storm(one, random.Random(20261121), 4000)
        for path in ("data/guestwright", "control", "xenserver", "device"):
            try:
                one.store.rm(f"{HOME}/{path}")
            except Refused:
                continue
        one.store.set_perms(HOME, ["n5"])
        one.put("domid", "7")  # as after a resumption: write everything again
        eventually(lambda: one.get("data/guestwright/features/exec") == "1")
        eventually(lambda: one.guest.run(["/bin/true"]).status == 0)
        before = cpu(one.process.pid)
        time.sleep(3)
        assert cpu(one.process.pid) - before < 0.3
        assert memory(one.process.pid) < 20_000
        assert "Traceback" not in one.said()


def test_a_call_whose_chunks_are_missing_is_given_up(tmp_path: Path) -> None:
    with world("ours", tmp_path, EVERYTHING) as one:
        for word in ("1 0 ", "0 7 ", "65 0 "):
            one.put(streams.host_word("a"), word)
            one.wait(streams.guest_word("a"), lambda value: value == "0 0 lost")
            one.store.rm(f"{HOME}/{streams.host_word('a')}")
            one.wait(streams.guest_word("a"), lambda value: value is None)
