"""What is decided in the actions of a Windows guest; Windows is a stand-in, and does what the test says."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from guestwright.agent.actions.action import Context
from guestwright.agent.actions.disc import BadDisc
from guestwright.agent.actions.static_ip import Wish
from guestwright.agent.actions.sysprep import Failed
from guestwright.agent.channel.session import Session
from guestwright.agent.config import Config, parse
from guestwright.agent.log import Log
from guestwright.agent.tasks import Task
from guestwright.agent.windows import main as windows_main
from guestwright.agent.windows import rights, service_manager
from guestwright.agent.windows.actions import sysprep
from guestwright.agent.windows.actions.batcmd import WindowsBatcmd
from guestwright.agent.windows.actions.exec import work_for
from guestwright.agent.windows.actions.names import WindowsClock, WindowsName, system_time
from guestwright.agent.windows.actions.power import WindowsPower, WindowsSuspend
from guestwright.agent.windows.actions.registry import registry
from guestwright.agent.windows.actions.static_ip import WindowsStaticIp, mask, netsh
from guestwright.agent.windows.actions.sysprep import WindowsSysprep
from guestwright.agent.windows.service import Service
from guestwright.agent.windows.waiting import WindowsLoop
from guestwright.agent.windows.xeniface import Xeniface
from tests.support.windows_fake import Device, FakeWindows


class Guest(FakeWindows):
    """A Windows that keeps what it was told.

    Attributes:
        asked: what it was asked for.
        denied: functions that fail.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[Any, ...]] = []
        self.denied: set[str] = set()
        self.services = {"xenagent"}
        self.name = "OLD"

    def __call__(self, name: str, *arguments: Any) -> int:
        return 0 if name in self.denied else super().__call__(name, *arguments)

    def _keep(self, *what: Any) -> int:
        self.asked.append(what)
        return 1

    def OpenProcessToken(self, process: int, access: int, token: Any) -> int:
        assert (process, access) == ((1 << 64) - 1, 0x28)
        token._obj.value = 77
        return 1

    def LookupPrivilegeValueW(self, system: None, name: str, luid: Any) -> int:
        luid.raw = name.encode()[:8]
        return 1

    def AdjustTokenPrivileges(self, token: int, none: bool, wanted: Any, *_: Any) -> int:
        assert (token, none, len(wanted)) == (77, False, 16)
        assert wanted.raw[:4] == b"\1\0\0\0"
        assert wanted.raw[12:] == b"\2\0\0\0"
        return self._keep("privilege", wanted.raw[4:12])

    def InitiateSystemShutdownExW(self, *what: Any) -> int:
        return self._keep("shutdown", *what)

    def SetSuspendState(self, *what: Any) -> int:
        return self._keep("suspend", *what)

    def SetSystemTime(self, time: Any) -> int:
        return self._keep("time", *time)

    def SetComputerNameExW(self, kind: int, name: str) -> int:
        return self._keep("name", kind, name)

    def GetComputerNameExW(self, kind: int, buffer: Any, size: Any) -> int:
        text = f"{self.name}\0".encode("utf-16-le")
        ctypes.memmove(buffer, text, len(text))
        return 1

    def OpenSCManagerW(self, machine: None, database: None, access: int) -> int:
        return 11

    def OpenServiceW(self, manager: int, name: str, access: int) -> int:
        return 12 if name in self.services else 0

    def CloseServiceHandle(self, handle: int) -> int:
        return self._keep("closed", handle)

    def CreateServiceW(self, *what: Any) -> int:
        assert len(what) == 13
        self._keep("created", *what)
        return 12

    def StartServiceW(self, service: int, count: int, words: None) -> int:
        return self._keep("started", service)

    def ControlService(self, service: int, what: int, status: Any) -> int:
        return self._keep("controlled", what)

    def DeleteService(self, service: int) -> int:
        return self._keep("deleted", service)

    def GetLogicalDrives(self) -> int:
        return 0b1100

    def GetDriveTypeW(self, root: str) -> int:
        return 5 if root == "D:\\" else 3


class World:
    """Actions over a store that is a device."""

    def __init__(self, config: str = "", *, on_xen: bool = False) -> None:
        self.windows = Guest()
        self.device = Device(self.windows)
        self.windows.files["dev"] = self.device
        self.loop = WindowsLoop(self.windows)
        self.session = Session(self.loop, lambda: Xeniface(self.loop, "dev"))
        self.context = Context(self.loop, self.session, Config(parse(config)), Log(-1), on_xen=on_xen)
        self.session.start()

    def attend(self, kind: Callable[[Context], Any], nodes: dict[str, str]) -> dict[str, str]:
        for path, value in nodes.items():
            self.device.nodes[path.encode()] = value.encode()
        action = kind(self.context)
        self.finish(action.attend())
        return {path.decode(): value.decode() for path, value in self.device.nodes.items()}

    def finish(self, work: Any) -> None:
        ended: list[BaseException | None] = []
        Task(work, ended.append)
        for _ in range(40):
            self.loop.turn(0)
        assert ended == [None]


@pytest.mark.parametrize(("wish", "again"), [("poweroff", False), ("halt", False), ("reboot", True)])
def test_power(wish: str, again: bool) -> None:
    world = World()
    assert world.attend(WindowsPower, {"control/shutdown": wish}) == {"control/shutdown": ""}
    assert world.windows.asked == [
        ("privilege", rights.SHUTDOWN.encode()[:8]),
        ("shutdown", None, None, 0, True, again, 0x80000000),
    ]


@pytest.mark.parametrize("wish", ["crash", "POWEROFF", "suspend", ""])
def test_other_wishes_are_not_power_s(wish: str) -> None:
    world = World()
    assert world.attend(WindowsPower, {"control/shutdown": wish}) == {"control/shutdown": wish}
    assert world.windows.asked == []


def test_power_that_is_switched_off_or_refused_by_windows() -> None:
    world = World("[features]\npower = false\nsuspend = false\n")
    for kind, wish in ((WindowsPower, "reboot"), (WindowsSuspend, "suspend")):
        assert world.attend(kind, {"control/shutdown": wish}) == {"control/shutdown": wish}
    assert world.windows.asked == []
    world = World()
    world.windows.denied = {"InitiateSystemShutdownExW", "SetSuspendState"}
    for kind, wish in ((WindowsPower, "reboot"), (WindowsSuspend, "suspend")):
        assert world.attend(kind, {"control/shutdown": wish}) == {"control/shutdown": ""}


def test_suspend() -> None:
    world = World()
    assert world.attend(WindowsSuspend, {"control/shutdown": "suspend"}) == {"control/shutdown": ""}
    assert world.windows.asked[-1] == ("suspend", 0, 0, 0)


def test_on_xen_the_drivers_agent_goes_first() -> None:
    world = World(on_xen=True)
    assert WindowsPower(world.context).offers()["reboot"] == "the drivers' agent does it"
    assert WindowsPower(world.context).paths == ()
    assert WindowsSuspend(world.context).paths == ()
    world.windows.services.clear()
    assert WindowsPower(world.context).offers() == {"poweroff": "1", "reboot": "1"}


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("WEB-7", "SucceededNeedsReboot"),
        ("old", "NoChange"),
        ("a" * 16, "Failed"),
        ("web.example.org", "Failed"),
        ("1234", "Failed"),
        ("a_b", "Failed"),
        ("", "Failed"),
    ],
)
def test_names(name: str, state: str) -> None:
    world = World()
    nodes = world.attend(
        WindowsName, {"control/setcomputername/action": "set", "control/setcomputername/name": name}
    )
    assert nodes["control/setcomputername/state"] == state
    assert "control/setcomputername/action" not in nodes
    assert ("control/setcomputername/error" in nodes) == (state == "Failed")
    assert [one for one in world.windows.asked if one[0] == "name"] == (
        [("name", 5, name)] if state == "SucceededNeedsReboot" else []
    )


def test_time() -> None:
    assert system_time(1_700_000_000.25) == (2023, 11, 2, 14, 22, 13, 20, 250)  # a Tuesday
    world = World()
    nodes = world.attend(WindowsClock, {"data/guestwright/time/set": "1700000000"})
    assert nodes["data/guestwright/time/state"].startswith("set; it was ")
    assert world.windows.asked[-1] == ("time", 2023, 11, 2, 14, 22, 13, 20, 0)
    world = World()
    world.windows.denied = {"SetSystemTime"}
    nodes = world.attend(WindowsClock, {"data/guestwright/time/set": "1700000000"})
    assert nodes["data/guestwright/time/state"].startswith("failed: ")


def wish(family: str, mode: str, address: str = "", gateway: str = "") -> Wish:
    return Wish("12", "00:16:3e:00:00:01", family, mode, address, gateway)


@pytest.mark.parametrize(
    ("wanted", "lines"),
    [
        pytest.param(
            wish("ipv4", "static", "192.0.2.7/24", "192.0.2.1"),
            ["ipv4 set address name=12 source=static address=192.0.2.7 mask=255.255.255.0 gateway=192.0.2.1"],
            id="static",
        ),
        pytest.param(
            wish("ipv4", "static", "192.0.2.7"),
            ["ipv4 set address name=12 source=static address=192.0.2.7 mask=255.255.255.255 gateway=none"],
            id="alone",
        ),
        pytest.param(wish("ipv4", "dhcp"), ["ipv4 set address name=12 source=dhcp"], id="dhcp"),
        pytest.param(wish("ipv4", "none"), ["ipv4 set address name=12 source=dhcp"], id="none"),
        pytest.param(
            wish("ipv6", "static", "2001:db8::7/64", "fe80::1"),
            [
                "ipv6 set interface 12 routerdiscovery=disabled",
                "ipv6 set address interface=12 address=2001:db8::7/64",
                "ipv6 set route prefix=::/0 interface=12 nexthop=fe80::1",
            ],
            id="ipv6",
        ),
        pytest.param(wish("ipv6", "dhcp"), ["ipv6 set interface 12 routerdiscovery=enabled"], id="automatic"),
    ],
)
def test_addresses(wanted: Wish, lines: list[str]) -> None:
    assert netsh(wanted) == [["interface", *line.split()] for line in lines]


@pytest.mark.parametrize(
    ("prefix", "text"), [(0, "0.0.0.0"), (1, "128.0.0.0"), (23, "255.255.254.0"), (32, "255.255.255.255")]
)
def test_masks(prefix: int, text: str) -> None:
    assert mask(prefix) == text


def test_an_interface_that_is_not_there() -> None:
    world = World()
    world.windows.functions["GetAdaptersAddresses"] = lambda *_: 232
    base = "xenserver/device/vif/0/static-ip-setting/"
    nodes = world.attend(WindowsStaticIp, {f"{base}mac": "00:16:3e:00:00:01", f"{base}enabled": "2"})
    assert (nodes[f"{base}error-code"], f"{base}enabled" in nodes) == ("101", False)


def read(path: str) -> bytes:
    return Path(path).read_bytes()


class Preparing(WindowsSysprep):
    """Without sysprep.exe, discs and time."""

    found: ClassVar[dict[str, bytes]] = {"unattend.xml": b"<unattend/>"}
    status = 0
    ran: ClassVar[list[list[str]]] = []

    def unavailable(self) -> str:
        return ""

    def _listen(self) -> Any:
        return None

    def _read(self, drive: str, name: str) -> bytes:
        assert drive == "D:\\"
        if name not in self.found:
            raise BadDisc(f"the disc has no {name}")
        return self.found[name]

    async def _run(self, argv: list[str]) -> tuple[int, bytes]:
        self.ran.append(argv)
        assert read(argv[-1].partition(":")[2]) == b"<unattend/>"
        return self.status, b"what it says"


@pytest.mark.parametrize("succeeds", [True, False])
@pytest.mark.parametrize("status", [0, 31])
def test_sysprep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, succeeds: bool, status: int) -> None:
    marks = [True, succeeds]
    monkeypatch.setattr(sysprep, "_succeeded", lambda: marks.pop(0))
    monkeypatch.setattr(sysprep, "_mark", lambda: str(tmp_path / "mark"))
    monkeypatch.setattr(sysprep, "private_directory", lambda _native: str(tmp_path))
    (tmp_path / "mark").write_text("of an earlier time")

    class Here(Preparing):
        ran: ClassVar[list[list[str]]] = []

    Here.status = status
    world = World()
    nodes = world.attend(
        Here, {"control/sysprep/action": "sysprep", "control/sysprep/filename": "D://unattend.xml"}
    )
    (argv,) = Here.ran
    assert argv[0].endswith(r"\System32\Sysprep\sysprep.exe")
    assert argv[1:-1] == ["/generalize", "/oobe", "/quiet", "/quit"]
    assert argv[-1] == f"/unattend:{tmp_path}/unattend.xml"
    assert not (tmp_path / "unattend.xml").exists()
    assert not (tmp_path / "mark").exists()
    assert "control/sysprep/action" not in nodes
    good = succeeds and not status
    assert nodes["data/guestwright/sysprep/state"] == ("finished" if good else "failed")
    assert [one[0] for one in world.windows.asked] == (["privilege", "shutdown"] if good else [])


def test_sysprep_without_a_program() -> None:
    world = World()
    assert WindowsSysprep.offers(Preparing(world.context)) == {"sysprep": "1"}
    assert sysprep.arguments("p", "a b.xml")[-1] == "/unattend:a b.xml"
    assert issubclass(Failed, Exception)


def test_the_other_agent_s_veto_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World("[features]\nbatcmd = true\n")
    action = WindowsBatcmd(world.context)
    assert action.offers() == {"xs-batcmd": "1"}
    monkeypatch.setattr("guestwright.agent.windows.actions.batcmd._vetoed", lambda: True)
    assert action.offers() == {"xs-batcmd": "forbidden by NoRemoteExecution"}


@pytest.mark.parametrize(
    ("config", "fields", "refusal", "why"),
    [
        ("", {"kind": ["command"]}, "", "disabled in the guest"),
        ("", {"kind": ["read"]}, "", "disabled in the guest"),
        ("[features]\nfile = true", {"kind": ["write"], "path": ["C:\\x"]}, "", "list of the guest's owner"),
        ("[features]\nfile = true", {"kind": ["read"], "path": ["/etc/x"]}, "", "has a drive"),
        ("", {"kind": ["dance"]}, "", "no such kind"),
        ("", {"kind": ["command"]}, "too many", "too many"),
        ("[features]\nexec = true", {"kind": ["service"], "name": ["x"]}, "", "no such service"),
        (
            '[features]\nexec = true\n[services.x]\ncommand = ["C:\\\\x.exe"]\n',
            {"kind": ["service"], "name": ["x"], "arg": ["y"]},
            "",
            "takes no arguments",
        ),
        (
            '[features]\nexec = true\n[services.x]\ncommand = ["C:\\\\x.exe"]\nuser = "anna"\n',
            {"kind": ["service"], "name": ["x"]},
            "",
            "as the agent itself",
        ),
        (
            '[features]\nexec = true\n[services.x]\ncommand = ["C:\\\\x.bat", "a&b"]\n',
            {"kind": ["service"], "name": ["x"]},
            "",
            "batch file",
        ),
        (
            '[features]\nexec = true\n[services.x]\ncommand = ["C:\\\\x.exe"]\n',
            {"kind": ["service"], "name": ["x"], "timeout": ["soon"]},
            "",
            "no number",
        ),
    ],
)
def test_calls_that_are_refused(config: str, fields: dict[str, list[str]], refusal: str, why: str) -> None:
    from guestwright.agent.actions.stage import NotAllowed, Stage

    with pytest.raises(NotAllowed, match=why):
        work_for(World(config).context, fields, Stage(), refusal)


def test_all_features_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found = registry(World("[features]\nsysprep = false\n").context)
    offers = found.offers()
    assert offers["fsfreeze"] == "not in Windows guests yet"
    assert offers["exec"] == "disabled in the guest"
    assert offers["static-ip-setting"] == "1"
    found.started()
    found.close()


def test_the_service_is_installed_and_started() -> None:
    windows = Guest()
    service_manager.install(windows, [r"C:\Program Files\Python\python.exe", "-I", r"C:\Program Files\a.pyz"])
    created = next(one for one in windows.asked if one[0] == "created")
    assert created[1:4] == (11, "guestwright-agent", "Guestwright guest agent")
    assert created[8] == r'"C:\Program Files\Python\python.exe" -I "C:\Program Files\a.pyz"'
    assert [one[0] for one in windows.asked] == ["created", "closed", "started", "closed"]


def test_a_service_that_does_not_start_is_taken_out_again() -> None:
    windows = Guest()
    windows.denied = {"StartServiceW"}
    with pytest.raises(OSError, match="guestwright-agent"):
        service_manager.install(windows, ["C:\\x.exe"])
    assert [one[0] for one in windows.asked] == ["created", "closed", "deleted", "closed"]


def test_the_service_is_removed_though_it_does_not_run() -> None:
    windows = Guest()
    windows.services.add("guestwright-agent")
    windows.denied = {"ControlService"}
    service_manager.remove(windows)
    assert ("deleted", 12) in windows.asked
    windows.services.clear()
    with pytest.raises(OSError, match="OpenServiceW"):
        service_manager.remove(windows)


class Managed(Guest):
    """A service manager."""

    def __init__(self) -> None:
        super().__init__()
        self.states: list[tuple[int, int, int]] = []
        self.control: Any = None
        self.starts: Any = lambda main: main(0, None)

    def RegisterServiceCtrlHandlerExW(self, name: str, control: Any, context: None) -> int:
        self.control = control
        return 88

    def SetServiceStatus(self, handle: int, status: Any) -> int:
        assert handle == 88
        self.states.append((status._obj.state, status._obj.accepts, status._obj.own_exit_code))
        return 1


@pytest.mark.parametrize("status", [0, 3])
def test_a_service_s_life(status: int) -> None:
    windows = Managed()
    stop = windows.new_event(state=False)

    def work() -> int:
        assert windows.control(4, 0, None, None) == 0
        assert windows.control(99, 0, None, None) == 120
        assert not windows.events[stop]()
        assert windows.control(1, 0, None, None) == 0
        assert windows.events[stop]()
        return status

    service = Service(windows, stop, work)
    service._main(0, None)
    assert windows.states == [(4, 5, 0), (3, 0, 0), (1, 0, status)]


def test_a_service_that_fails_says_that_it_has_ended() -> None:
    windows = Managed()

    def work() -> int:
        raise OSError(5, "no")

    with pytest.raises(OSError, match="no"):
        Service(windows, windows.new_event(state=False), work)._main(0, None)
    assert windows.states[-1] == (1, 0, 1)


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (r"C:\Program Files\Guestwright\a.pyz", False),
        (r"c:\PROGRAM FILES\x.exe", False),
        (r"C:\Users\anna\a.pyz", True),
        (r"C:\Program Files (x86)\a.pyz", True),
        (r"C:\Program Files\..\Users\a.pyz", True),
    ],
)
def test_a_service_lies_where_users_cannot_write(path: str, wrong: bool) -> None:
    assert windows_main.misplaced([path], r"C:\Program Files") == (path if wrong else "")


def test_words(capfd: pytest.CaptureFixture[str]) -> None:
    windows = Guest()
    assert windows_main.main(["--help"], windows) == 0
    assert windows_main.main(["dance"], windows) == 2
    assert windows_main.main(["--socket"], windows) == 2
    assert "usage:" in capfd.readouterr().err
    windows.denied = {"OpenSCManagerW"}
    assert windows_main.main(["remove"], windows) == 1
    assert "cannot remove the service" in capfd.readouterr().err
    assert windows_main.main(["install"], windows) == 1
    assert "must lie below" in capfd.readouterr().err


def test_where_there_is_no_channel_it_ends_at_once() -> None:
    windows = Guest()
    windows.functions["QueryDosDeviceW"] = lambda *_: 0
    windows.functions["CM_Get_Device_Interface_List_SizeW"] = lambda *_: 13
    windows.functions["SetConsoleCtrlHandler"] = lambda *_: 1
    assert windows_main.main([], windows) == 0


@pytest.mark.parametrize(("stopped", "looks"), [(False, 24), (True, 3)])
def test_a_service_waits_for_drivers_that_come_late(stopped: bool, looks: int) -> None:
    windows = Guest()
    windows.functions["QueryDosDeviceW"] = lambda *_: 0
    windows.functions["CM_Get_Device_Interface_List_SizeW"] = lambda *_: 13
    waited: list[int] = []

    def wait(handle: int, milliseconds: int) -> int:
        waited.append(milliseconds)
        return 0 if stopped and len(waited) == looks else 258

    windows.functions["WaitForSingleObject"] = wait
    assert windows_main._run(windows, 4, {"--socket": ""}, Log(-1), tries=24) == 0
    assert windows.calls.count("QueryDosDeviceW") == looks
    assert set(waited) == {5000}
