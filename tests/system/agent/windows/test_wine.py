"""The agent's archive run by a Windows Python on Wine, at our store server through a named pipe.

Wine is no Windows: what it does not have, or has in name only, is listed in docs/agent-windows.md.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.agent.windows.native import SIGNATURES
from guestwright.exec_channel.errors import FailedInGuest, RefusedByGuest
from guestwright.xenstore.client.client import Client
from tests.support import wine
from tests.support.agent_process import HOME, PATIENCE, World, eventually
from tests.support.tools import needs

pytestmark = [
    pytest.mark.system,
    needs("unshare", "nsenter", "ip"),
    pytest.mark.skipif(
        bool(wine.missing()) and "CI" not in os.environ, reason=f"not installed: {wine.missing()}"
    ),
]

CMD = r"C:\windows\system32\cmd.exe"
CONFIG = f"""
[features]
exec = true
batcmd = true
file = true

[file]
read = ['C:\\logs']
write = ['C:/incoming']

[exec]
commands = ["*"]

[services.fixed]
command = ['{CMD}', "/c", "echo fixed"]

[sysprep]
command = ['{wine.PYTHON}', "-ISEc", 'import sys; open("C:/answers", "w").write(open(sys.argv[1]).read())']
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, wine.Wine]]:
    with wine.machine(tmp_path_factory.mktemp("wine")) as made:
        yield made


@pytest.fixture
def one(machine: tuple[Client, wine.Wine], tmp_path: Path) -> Iterator[World]:
    with wine.agent(*machine, tmp_path, CONFIG) as made:
        yield made


def leaves(store: Client, path: str) -> dict[str, str]:
    """All values below a path of the guest."""
    found = {}
    for name in store.children(f"{HOME}/{path}"):
        value = store.get(f"{HOME}/{path}/{name}")
        if value:
            found[f"{path}/{name}"] = value.decode()
        found.update(leaves(store, f"{path}/{name}"))
    return found


def test_every_function_is_there(machine: tuple[Client, wine.Wine]) -> None:
    """The names and libraries of the table, against Wine's."""
    names = {name: library for name, (library, _, _) in SIGNATURES.items()}
    code = f"""
import ctypes
for name, library in {names!r}.items():
    if not hasattr(ctypes.WinDLL(library), name):
        print(name)
"""
    done = machine[1].python("-c", code)
    assert not done.returncode, done.stderr
    assert done.stdout.split() == []


def test_facts(one: World, machine: tuple[Client, wine.Wine]) -> None:
    facts = leaves(one.store, "data")
    assert (facts["data/os_distro"], facts["data/guestwright/os/family"]) == ("windows", "windows")
    assert facts["data/os_name"].startswith("Windows ")
    assert facts["data/guestwright/os/architecture"] == "amd64"
    assert facts["data/boot/state"] == "up"
    with open("/proc/meminfo") as file:
        total = int(file.readline().split()[1])
    assert abs(int(facts["data/meminfo_total"]) - total) < 64
    named = {value: path.rpartition("/")[0] for path, value in facts.items() if path.endswith("/name")}
    nic = named["guest0"]
    assert nic.startswith("data/net/pci-")
    shown = subprocess.run([*machine[1].enter, "ip", "-j", "link"], capture_output=True, check=True)
    (link,) = [link for link in json.loads(shown.stdout) if link["ifname"] == "guest0"]
    assert facts[f"{nic}/ipv4/0"] == "192.0.2.7"
    assert facts[f"{nic}/ipv4/0/prefix"] == "24"
    assert (facts[f"{nic}/mac"], facts[f"{nic}/mtu"]) == (link["address"], str(link["mtu"]))
    assert facts["data/volumes/0/mount_points/0"] == "C:\\"
    free = os.statvfs(machine[1].drive)
    assert int(facts["data/volumes/0/size"]) == free.f_blocks * free.f_frsize
    assert leaves(one.store, "attr")["attr/PVAddons/Installed"] == "1"


def test_calls(one: World) -> None:
    done = one.guest.run([CMD, "/c", "echo out& echo err>&2& exit 3"])
    assert (done.how, done.status) == ("exit", 3)
    assert (done.out, done.err) == (b"out\r\n", b"err\r\n")
    assert one.guest.service("fixed").out == b"fixed\r\n"
    words = ["a b", 'q"uo\\"te', "back\\\\", "", "%PATH%", "ü€", "a\tb", "\\"]
    said = one.guest.run(wine.words_of(words)).out.decode().split()
    assert [bytes.fromhex(word).decode() for word in said if word] == [word for word in words if word]
    with pytest.raises(RefusedByGuest, match="absolute path"):
        one.guest.run(["cmd.exe"])
    assert "audit:" in one.said()


def test_much_goes_through_in_both_directions(one: World) -> None:
    data = bytes(range(256)) * 2000
    code = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
    done = one.guest.run([wine.PYTHON, "-I", "-S", "-E", "-c", code], source=[data])
    assert (done.how, done.status) == ("exit", 0)
    assert done.out == data


def test_files(one: World, machine: tuple[Client, wine.Wine]) -> None:
    for name in ("logs", "incoming"):
        (machine[1].drive / name).mkdir()
    data = b"\r\n\x1a\0" + bytes(range(256)) * 500
    (machine[1].drive / "logs" / "a.bin").write_bytes(data)
    assert b"".join(one.guest.read_file(r"C:\Logs\a.bin")) == data
    for _ in range(2):  # the second time it replaces a file
        one.guest.write_file(r"C:\incoming\b.bin", [data, b"end"])
    assert (machine[1].drive / "incoming" / "b.bin").read_bytes() == data + b"end"
    assert os.listdir(machine[1].drive / "incoming") == ["b.bin"]
    for path in (r"C:\windows\win.ini", r"C:\logs\..\windows\win.ini", r"C:\logs\a.bin:x"):
        with pytest.raises(RefusedByGuest):
            b"".join(one.guest.read_file(path))
    with pytest.raises(FailedInGuest):
        b"".join(one.guest.read_file(r"C:\logs\none"))


def alive(word: str) -> int:
    """How many processes have a word among their arguments."""
    found = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += word.encode() in path.read_bytes().split(b"\0")
        except OSError:
            continue
    return found


def test_what_was_started_ends_with_all_that_it_started(one: World) -> None:
    code = "import subprocess, sys; print('begun', flush=True); subprocess.run([sys.executable, '-ISEc', "
    code += "'print(1, flush=True); import time; time.sleep(600)', sys.argv[1]])"
    words = [wine.PYTHON, "-I", "-S", "-E", "-c", code]
    done = one.guest.run([*words, "late-7081"], timeout=3)
    assert done.how == "timeout"
    eventually(lambda: not alive("late-7081"))
    with one.guest.call("command", [("arg", word) for word in [*words, "left-7081"]]) as call:
        said = b""
        for _, data in call:
            said += data
            if b"1" in said:
                break
        assert alive("left-7081") == 2
    eventually(lambda: not alive("left-7081"))


def test_scripts_and_names(one: World) -> None:
    with one.store.transaction() as both:
        both.write(f"{HOME}/control/batcmd/script", "echo out\r\necho err>&2\r\nexit /b 3")
        both.write(f"{HOME}/control/batcmd/state", "READY")
    one.wait("control/batcmd/state", lambda value: value in {"SUCCESS", "FAILURE"})
    answers = [one.get(f"control/batcmd/{key}") for key in ("state", "return", "stdout", "stderr")]
    assert answers[:2] == ["SUCCESS", "3"]
    assert (answers[2] or "").endswith("out\r\n")
    assert (answers[3] or "").endswith("err\r\n")
    one.put("control/setcomputername/name", "WEB-7")
    one.put("control/setcomputername/action", "set")
    one.wait("control/setcomputername/action", lambda value: value is None)
    assert one.get("control/setcomputername/state") == "SucceededNeedsReboot"


def test_sysprep_reads_the_disc(one: World, machine: tuple[Client, wine.Wine]) -> None:
    """With the owner's command, which keeps the file; there is no sysprep.exe on Wine."""
    made = machine[1]
    (made.disc / "Unattend.xml").write_text("<unattend/>")
    one.put("control/sysprep/filename", "D://unattend.xml")
    one.put("control/sysprep/action", "sysprep")
    eventually(lambda: one.get("control/sysprep/action") is None)
    assert one.get("data/guestwright/sysprep/state") == "finished", one.said()
    assert (made.drive / "answers").read_text() == "<unattend/>"
    assert list(made.place("private").iterdir()) == []


def test_a_service(machine: tuple[Client, wine.Wine]) -> None:
    store, made = machine
    store.rm(f"{HOME}/data")
    made.place("agent.toml").write_text("[features]\npower = false\n")
    done = made.python(wine.ARCHIVE, "install", "--socket", wine.PIPE)
    assert not done.returncode, done.stderr
    store.wait_until(f"{HOME}/data/updated", lambda value: value is not None, timeout=PATIENCE)
    assert store.get(f"{HOME}/data/guestwright/features/poweroff") == b"disabled in the guest"
    assert b"connected to the host" in made.place("agent.log").read_bytes()
    done = made.python(wine.ARCHIVE, "remove")
    assert not done.returncode, done.stderr
    eventually(lambda: store.get(f"{HOME}/attr/PVAddons/Installed") is None)
    done = made.python(wine.ARCHIVE, "remove")
    assert done.returncode == 1
    assert "cannot remove the service" in done.stderr


def test_without_a_channel_it_ends_in_silence(machine: tuple[Client, wine.Wine]) -> None:
    done = machine[1].python(wine.ARCHIVE)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_lost_connection_comes_back(one: World, machine: tuple[Client, wine.Wine]) -> None:
    machine[1].cut()
    eventually(lambda: one.said().count("connected to the host") == 2)
    one.store.rm(f"{HOME}/data/os_name")
    machine[1].cut()
    one.wait("data/os_name", lambda value: value is not None)
