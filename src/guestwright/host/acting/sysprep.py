"""Sysprep of a domain on a real hypervisor: the medium, the conversation, and what the hypervisor tells.

    run = SysprepRun(host, request, progress=job.report)
    run.run()          # in a thread of its own; waits to the end
    run.cancel("…")    # from another one

Theory of operation: `host.sysprep` has the protocol; here it gets a drive, an image in memory that has its
own unguessable label, a connection to the store, and the hypervisor's events.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable
from typing import Final

from guestwright.base.progress import Progress, Step, silent
from guestwright.base.record import field, record
from guestwright.host.acting.answer_medium import answer_medium, new_label
from guestwright.host.acting.drive import HypervisorDrive, Lender, eject_everywhere
from guestwright.host.capabilities import Situation
from guestwright.host.errors import AnswersTooBig
from guestwright.host.sysprep.conversation import Conversation, Wish, check
from guestwright.host.sysprep.medium import FileMedium
from guestwright.host.sysprep.model import ANSWERS_MAX, Event, Limits
from guestwright.host.sysprep.sweep import Swept, sweep
from guestwright.hypervisor.domain import Bus, DomainId
from guestwright.hypervisor.events import Event as Happened
from guestwright.hypervisor.events import EventKind, Reason
from guestwright.hypervisor.port import Hypervisor
from guestwright.xenstore.client.client import Client

DEFAULT_NAME: Final = "unattend.xml"
_VERSION: Final = "data/guestwright/agent/version"


@record
class SysprepHost:
    """What a sysprep needs of its host.

    Attributes:
        hypervisor: with the domain.
        connect: opens a connection to the store with the host's rights.
        directory: of images; the service's own, in memory.
        owner: user and group of the hypervisor's processes; None for the service's own.
        lender: who may spare a drive.
        clock: seconds since 1970.
    """

    hypervisor: Hypervisor
    connect: Callable[[], Client]
    directory: str
    clock: Callable[[], float]
    owner: tuple[int, int] | None = None
    lender: Lender | None = None


@record
class SysprepRequest:
    """What is to be done.

    Attributes:
        domain: whose guest.
        name: of the domain, for people.
        domid: number of its directory in the store.
        answers: what is in the answer file; secret.
        filename: of the answer file.
        situation: of the domain as it is now; what is missing is refused. None when the caller has seen to
            that, and keeps the domain for it (`HostService.claim`).
        drivers: buses whose drivers the guest is known to have (from its agent).
        limits: how long things may take.
    """

    domain: DomainId
    name: str
    domid: int
    answers: bytes = field(repr=False)
    situation: Situation | None = None
    filename: str = DEFAULT_NAME
    drivers: frozenset[Bus] = frozenset()
    limits: Limits = Limits()


class SysprepRun:
    """One sysprep.

    Args:
        host: see there.
        request: see there.
        progress: is told of each phase, of the drive, and of what the guest says.
    """

    def __init__(self, host: SysprepHost, request: SysprepRequest, *, progress: Progress = silent) -> None:
        self._host = host
        self._request = request
        self._progress = progress
        self._lock = threading.Lock()
        self._conversation: Conversation | None = None
        self._cancelled: str | None = None
        self._label = new_label()

    def cancel(self, why: str = "") -> None:
        """End it; `run` raises then. From any thread, at any time."""
        with self._lock:
            self._cancelled = why
            if self._conversation is not None:
                self._conversation.tell(Event.CANCEL, why)

    def run(self) -> None:
        """Do it, and wait until the domain is down.

        Raises:
            AnswersTooBig, SysprepRefused: nothing was touched.
            SysprepFailed: it was begun and did not come to its end; no medium is left.
            XenstoreError: the store cannot be reached; nothing was touched.
        """
        request, host = self._request, self._host
        if request.situation is not None:
            check(request.name, len(request.answers), request.situation)
        elif len(request.answers) > ANSWERS_MAX:
            raise AnswersTooBig(size=len(request.answers), most=ANSWERS_MAX)
        with host.connect() as store:
            home = f"/local/domain/{request.domid}"
            wish = Wish(
                domain=request.name,
                domid=request.domid,
                label=self._label,
                filename=f"D://{request.filename}",
                medium=str(request.domain),
                speaks=store.get(f"{home}/{_VERSION}") is not None,
            )
            let_guest_write(store, request.domid, "control/sysprep")
            drive = HypervisorDrive(
                host.hypervisor,
                request.domain,
                lender=host.lender,
                drivers=request.drivers,
                say=self._say,
            )
            name = secrets.token_hex(16)
            medium = FileMedium(host.directory, name, self._image, drive, owner=host.owner)
            conversation = Conversation(store, wish, medium, limits=request.limits, progress=self._progress)
            self._converse(conversation)

    def _converse(self, conversation: Conversation) -> None:
        with self._lock:
            self._conversation = conversation
            if self._cancelled is not None:
                conversation.tell(Event.CANCEL, self._cancelled)
        place = self._host.hypervisor.subscribe(self._happened)
        try:
            conversation.run()
        finally:
            place.close()

    def _happened(self, event: Happened) -> None:
        """What the hypervisor tells of the domain."""
        if event.domain != self._request.domain or self._conversation is None:
            return
        if event.kind is EventKind.CRASHED:
            self._conversation.tell(Event.CRASHED, "the hypervisor says so")
        elif event.kind is EventKind.STOPPED:
            ended = {
                Reason.CRASHED: Event.CRASHED,
                Reason.FAILED: Event.CRASHED,
                Reason.MIGRATED: Event.LOST,
                Reason.SAVED: Event.LOST,
            }.get(event.reason, Event.DOWN)
            self._conversation.tell(ended, f"its run is over: {event.reason}" if event.reason else "")

    def _say(self, text: str) -> None:
        self._progress(Step(name="drive", done=0, total=0, text=text))

    def _image(self) -> bytes:
        request = self._request
        return answer_medium(request.answers, request.filename, self._label, int(self._host.clock()))


def sweep_sysprep(host: SysprepHost, domids: Iterable[int]) -> Swept:
    """Clean up what a killed service has left; once, when the service starts.

    Args:
        host: see there.
        domids: of the domains that run.
    """
    with host.connect() as store:
        return sweep(store, domids, host.directory, lambda path: eject_everywhere(host.hypervisor, path))


def let_guest_write(store: Client, domid: int, path: str) -> None:
    """Make a directory of a guest, and let the guest write there: plain libxl's `control` is read-only.

    Args:
        store: client with the host's rights.
        domid: of the guest.
        path: below its directory.

    Raises:
        XenstoreError: the store does not let us.
    """
    whole = f"/local/domain/{domid}/{path}"
    if store.get(whole) is None:
        store.write(whole, "")
    store.set_perms(whole, [f"n{domid}"])
