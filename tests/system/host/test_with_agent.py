"""The host's side and the guest's together: a real agent, a real store, a real disc.

The agent's root is a directory whose programs are stand-ins; its CD drive is a name there. What a kernel says
when a disc goes in, this machine's kernel is asked to say of a device of its own.
"""

from __future__ import annotations

import glob
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from guestwright.host.capabilities import Operation, Power, Situation, judge
from guestwright.host.errors import SysprepFailed
from guestwright.host.facts.book import Book, Life
from guestwright.host.facts.reading import read
from guestwright.host.facts.state import AgentState
from guestwright.host.facts.tools import Catalogue
from guestwright.host.sysprep.conversation import Conversation, Wish, check
from guestwright.host.sysprep.medium import FileMedium, leftovers
from guestwright.host.sysprep.model import Limits, Phase
from guestwright.media.payload import scrub
from guestwright.media.sink import MemorySink
from guestwright.media.sources import unattend
from guestwright.media.sources.model import Input
from guestwright.media.write import MediaKind, write_medium
from tests.support import xenstored
from tests.support.agent_process import HOME, PATIENCE, World, eventually, made, world

pytestmark = pytest.mark.system

LIFE = Life("u5", 5)
LABEL = "GW01HVTESTLABEL"
ANSWERS = b"""<unattend xmlns="urn:schemas-microsoft-com:unattend"><settings pass="specialize">
<component name="Microsoft-Windows-Shell-Setup" processorArchitecture="amd64" language="neutral"
 publicKeyToken="31bf3856ad364e35" versionScope="nonSxS"><ComputerName>web1</ComputerName></component>
</settings></unattend>"""


class CdDrive:
    """The guest's drive: a name in its /dev."""

    def __init__(self, root: Path) -> None:
        os.makedirs(root / "sys/block/sr0")
        os.makedirs(root / "dev")
        self.device = root / "dev/sr0"

    def insert(self, path: str) -> None:
        self.device.symlink_to(path)
        self._tell()

    def eject(self, path: str, *, force: bool) -> None:
        if self.device.is_symlink():
            self.device.unlink()
            self._tell()

    def _tell(self) -> None:
        for file in sorted(glob.glob("/sys/block/*/uevent"))[:1]:
            if os.access(file, os.W_OK):
                Path(file).write_text("change")


@pytest.fixture(params=["ours", "c"])
def kind(request: pytest.FixtureRequest) -> str:
    if missing := xenstored.missing(request.param):
        assert "CI" not in os.environ
        pytest.skip(f"needs {missing}")
    found: str = request.param
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    top = tmp_path / "root"
    made(top / "sbin/poweroff", f"#!/bin/sh\necho off > {top}/done\n")
    made(top / "etc/os-release", 'ID=debian\nPRETTY_NAME="Debian 12"\nVERSION_ID="12"\n', mode=0o644)
    made(top / "etc/hostname", "web1\n", mode=0o644)
    return top


def image(answers: bytes = ANSWERS) -> bytes:
    payload = unattend.build(Input(name="unattend.xml", data=answers), label=LABEL)
    sink = MemorySink()
    write_medium(MediaKind.CDROM, payload.tree, sink, label=payload.label, time=0, serial=0)
    assert scrub(payload).label == LABEL
    return sink.getvalue()


def looked_at(one: World) -> Book:
    book = Book(Catalogue.parse('{"linux": ["1.0"]}'))
    book.started(LIFE, 0.0)
    book.look(LIFE, one.store.run(read(5)), 1.0)
    return book


def converse(one: World, root: Path, media: Path, *, speaks: bool, limits: Limits) -> Conversation:
    medium = FileMedium(str(media), "01hv", image, CdDrive(root))
    wish = Wish(domain="web1", domid=5, label=LABEL, filename="D://unattend.xml", medium="x", speaks=speaks)
    return Conversation(one.store, wish, medium, limits=limits)


def toolstack(one: World, root: Path, conversation: Conversation) -> Callable[[], None]:
    """Takes the domain away when its guest has powered off.

    The stand-in for `poweroff` ends at once, but no guest does: the host has heard by then that it finished,
    and its agent is no more when its directory goes; one that lived on would make that directory anew.
    """

    def work() -> None:
        eventually((root / "done").exists)
        eventually(lambda: conversation.machine.phase is Phase.FINISHED)
        one.process.terminate()
        one.process.wait(PATIENCE)
        one.store.rm(HOME)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread.join


def test_facts_and_capabilities_of_a_real_agent(kind: str, tmp_path: Path, root: Path) -> None:
    with world(kind, tmp_path, "", str(root)) as one:
        book = looked_at(one)
        page = book.page("u5")
        assert page is not None
        assert page.refused == 0
        assert (page.told.system.name, page.told.system.distro) == ("Debian 12", "debian")
        assert page.told.tools.agent
        assert page.metrics.drivers_known
        assert page.metrics.feature("feature-sysprep")
        assert book.standing("u5", 1.0).state in (AgentState.LIVE, AgentState.BOOTING)  # type: ignore[union-attr]
        now = Situation(
            power=Power.RUNNING,
            agent=AgentState.LIVE,
            features=page.told.features,
            drives=1,
            free_drives=1,
            granted=frozenset(Operation),
        )
        check("web1", len(ANSWERS), now)
        assert "disabled in the guest" in judge(Operation.EXEC, now).text
    # The agent was stopped: it took its version away.


@pytest.mark.parametrize("speaks", [True, False], ids=["says what it sees", "knows only XAPI"])
def test_sysprep_of_a_real_agent(kind: str, speaks: bool, tmp_path: Path, root: Path) -> None:
    if speaks and not any(os.access(file, os.W_OK) for file in glob.glob("/sys/block/*/uevent")):
        assert "CI" not in os.environ
        pytest.skip("the kernel cannot be asked to tell of a device")
    script = made(tmp_path / "script", f'#!/bin/sh\ncp "$1" {root}/answers\n')
    media = tmp_path / "media"
    with world(kind, tmp_path, f'[sysprep]\ncommand = ["{script}"]\n', str(root)) as one:
        conversation = converse(one, root, media, speaks=speaks, limits=Limits(deadline=120, unseen=0.1))
        join = toolstack(one, root, conversation)
        before = time.monotonic()
        conversation.run()
        seconds = time.monotonic() - before
        join()
    assert (root / "answers").read_bytes() == ANSWERS
    assert leftovers(str(media)) == []
    assert not (root / "dev/sr0").is_symlink()
    assert seconds < 60
    said = [note.text for note in conversation.machine.notes]
    assert "the guest has finished" in said


def test_sysprep_that_fails_in_a_real_agent(kind: str, tmp_path: Path, root: Path) -> None:
    script = made(tmp_path / "script", "#!/bin/sh\necho the disk is full >&2\nexit 4\n")
    media = tmp_path / "media"
    with world(kind, tmp_path, f'[sysprep]\ncommand = ["{script}"]\n', str(root)) as one:
        conversation = converse(one, root, media, speaks=False, limits=Limits(deadline=120, unseen=0.1))
        with pytest.raises(SysprepFailed, match="ended with status 4: the disk is full"):
            conversation.run()
        assert one.get("control/sysprep/filename") is None
    assert leftovers(str(media)) == []
    assert not (root / "done").exists()
