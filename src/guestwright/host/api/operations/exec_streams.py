"""Programs in guests that are followed while they run: output as it comes, input as it is sent."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any, Final

import msgspec

from guestwright.base.record import record
from guestwright.exec_channel.host import ending
from guestwright.host.acting.calls import Bounds, Program
from guestwright.host.acting.inbox import Inbox
from guestwright.host.api.endpoint import Call, Endpoint
from guestwright.host.api.errors import NoSuchProcess
from guestwright.host.api.exec_stream import ExecStream
from guestwright.host.api.operations.domains import uuid_of
from guestwright.host.api.operations.guests import ERRORS, ExecBody, guest_endpoints
from guestwright.host.api.reach import Reach
from guestwright.host.capabilities import Operation
from guestwright.host.enrol.roles import Role
from guestwright.http_api.errors import Busy
from guestwright.hypervisor.errors import DomainNotFound

PROCESSES_MAX: Final = 64
INPUT_MAX: Final = 1 << 20
ROOM: Final = 30.0  # seconds to wait until the guest has taken input
_PATH: Final = "/v1/domains/{uuid}/exec-stream"


class StreamBody(ExecBody, forbid_unknown_fields=True, frozen=True):
    """A program to be followed; as for `exec`, with other bounds. `input` is the beginning of its input."""

    seconds: Annotated[float, msgspec.Meta(gt=0, le=86400)] = 3600.0
    output_max: Annotated[int, msgspec.Meta(ge=0, le=1 << 40)] = 1 << 30


class InputQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Of which input this is a piece.

    Attributes:
        end: whether there is no more after it.
    """

    end: bool = False


@record
class Taken:
    """How much input was taken.

    Attributes:
        size: bytes.
    """

    size: int


class _Processes:
    """Those that run."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, str, Inbox]] = {}  # caller, domain, input

    def begin(self, call: Call) -> ExecStream:
        body: StreamBody = call.body
        inbox, process, uuid = Inbox(), secrets.token_hex(16), uuid_of(call)
        with self._lock:
            if len(self._known) >= PROCESSES_MAX:
                raise Busy(what="programs in guests", most=PROCESSES_MAX)
            self._known[process] = str(call.caller), uuid, inbox
        try:
            source: Iterator[bytes] = chain((body.input,) if body.input else (), inbox)
            program = Program(
                argv=body.argv,
                service=body.service,
                environment=tuple(body.environment.items()),
                directory=body.directory,
                user=body.user,
                source=source,
            )
            calls = self._reach.calls(uuid, Operation.EXEC, str(call.caller))
            running = calls.begin(program, Bounds(deadline=body.seconds, output=body.output_max))
        except BaseException:
            self._forget(process)
            raise

        def ended() -> Any:
            how, number = ending(running.ended)
            return {
                "how": how,
                "status": number if how == "exit" else None,
                "signal": number if how == "signal" else None,
            }

        follow = calls.follow(running, body.argv[0])
        return ExecStream(process, running, follow, ended, lambda: self._forget(process))

    def input(self, call: Call) -> Taken:
        process = call.path["process"]
        with self._lock:
            caller, uuid, inbox = self._known.get(process, ("", "", None))
        if inbox is None or (caller, uuid) != (str(call.caller), uuid_of(call)):
            raise NoSuchProcess(process=process[:80])
        if call.body and not inbox.put(call.body, ROOM):
            raise Busy(what="bytes of input that the program does not take", most=INPUT_MAX)
        if call.query.end:
            inbox.end()
        return Taken(size=len(call.body))

    def _forget(self, process: str) -> None:
        with self._lock:
            found = self._known.pop(process, None)
        if found is not None:
            found[2].end()


def exec_stream_endpoints(reach: Reach) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        reach: gets at guests.
    """
    processes = _Processes(reach)
    return (
        Endpoint(
            name="exec-stream",
            method="POST",
            path=_PATH,
            role=Role.ADMIN,
            summary="Run a command in the guest and follow it: a line of JSON for each piece of output.",
            handle=processes.begin,
            reply=bytes,
            body=StreamBody,
            body_max=16 << 20,
            media="application/x-ndjson",
            errors=(*ERRORS,),
            tag="guests",
        ),
        Endpoint(
            name="exec-input",
            method="PUT",
            path=f"{_PATH}/{{process}}/input",
            role=Role.ADMIN,
            summary="Input for a command that is followed, by whoever began it.",
            handle=processes.input,
            reply=Taken,
            body=bytes,
            body_max=INPUT_MAX,
            query=InputQuery,
            errors=(DomainNotFound, NoSuchProcess),
            tag="guests",
        ),
    )


def reaching_endpoints(reach: Reach) -> tuple[Endpoint, ...]:
    """All operations inside guests; see `guest_endpoints`, too."""
    return (*guest_endpoints(reach), *exec_stream_endpoints(reach))
