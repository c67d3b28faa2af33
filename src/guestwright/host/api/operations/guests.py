"""Operations inside guests, on the caller's behalf: commands, files, clipboard, clock, host name, sysprep."""

from __future__ import annotations

import time
from typing import Annotated, Final, Literal

import msgspec
from starlette.responses import Response

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import record
from guestwright.exec_channel.errors import FailedInGuest, FeatureNotOffered, NoAnswer, RefusedByGuest
from guestwright.host.acting.calls import Bounds, Program
from guestwright.host.acting.errors import BadGuestRequest
from guestwright.host.acting.settings import AddressWish
from guestwright.host.api.endpoint import Call, Endpoint
from guestwright.host.api.operations.domains import uuid_of
from guestwright.host.api.reach import Reach
from guestwright.host.capabilities import Operation
from guestwright.host.enrol.roles import Role
from guestwright.host.service.errors import OperationRefused
from guestwright.hypervisor.errors import DomainNotFound

FILE_MAX: Final = 16 << 20
OUTPUT_MAX: Final = 8 << 20
DEADLINE_MAX: Final = 600
CLIPBOARD_MAX: Final = 256 << 10
_TAG: Final = "guests"
_ONE: Final = "/v1/domains/{uuid}"
ERRORS: Final[tuple[type[GuestwrightError], ...]] = (
    *(DomainNotFound, OperationRefused),
    *(FeatureNotOffered, RefusedByGuest, FailedInGuest, NoAnswer),
)
_Path = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
_Argument = Annotated[str, msgspec.Meta(max_length=128 << 10)]
_Seconds = Annotated[float, msgspec.Meta(gt=0, le=DEADLINE_MAX)]


@record
class Ended:
    """How a command ended.

    Attributes:
        how: "exit", "signal", or why the guest ended it.
        status: its exit status; None when it did not exit.
        signal: that ended it; None without one.
        out: what it wrote, Base64.
        err: what it wrote as errors, Base64.
    """

    how: str
    status: int | None
    signal: int | None
    out: bytes
    err: bytes


@record
class Accepted:
    """What the guest says.

    Attributes:
        text: its answer, for people; "" when it has nothing to add.
    """

    text: str


class ExecBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A command to run in a guest, without a shell.

    Attributes:
        argv: program, by an absolute path, and arguments; or the name of a service of the guest's owner.
        service: whether it is such a service.
        environment: more variables.
        directory: that it runs in.
        user: who runs it; "" for whom the guest's owner chose.
        input: its standard input, Base64.
        seconds: after which the guest ends it.
        output_max: bytes of output and errors together; more ends it.
    """

    argv: Annotated[tuple[_Argument, ...], msgspec.Meta(min_length=1, max_length=1024)]
    service: bool = False
    environment: dict[str, _Argument] = {}
    directory: Annotated[str, msgspec.Meta(max_length=4096)] = ""
    user: Annotated[str, msgspec.Meta(max_length=64)] = ""
    input: bytes = b""
    seconds: _Seconds = 60.0
    output_max: Annotated[int, msgspec.Meta(ge=0, le=OUTPUT_MAX)] = 1 << 20


class FileQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which file of a guest.

    Attributes:
        path: in the guest, absolute.
        mode: of a file that is written, octal.
    """

    path: _Path
    mode: Annotated[str, msgspec.Meta(pattern="^[0-7]{3,4}$")] = "600"


class ClipboardBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A text for a guest's clipboard.

    Attributes:
        text: it.
    """

    text: Annotated[str, msgspec.Meta(max_length=CLIPBOARD_MAX)]


class ClipboardQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How to wait for a text.

    Attributes:
        wait: seconds.
    """

    wait: Annotated[float, msgspec.Meta(ge=0, le=50)] = 10.0


class HostnameBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A host name.

    Attributes:
        name: it.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=253)]


class AddressBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What one interface of a guest shall have, for one family; without `dynamic` and `address` nothing.

    Attributes:
        device: number of the VIF, as the host counts them.
        mac: its address.
        family: 4 or 6.
        address: with prefix, "192.0.2.7/24".
        gateway: or "".
        dynamic: take what DHCP or the router says.
    """

    device: Annotated[int, msgspec.Meta(ge=0, le=63)]
    mac: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{2}(:[0-9a-f]{2}){5}$")]
    family: Literal[4, 6] = 4
    address: Annotated[str, msgspec.Meta(max_length=64)] = ""
    gateway: Annotated[str, msgspec.Meta(max_length=64)] = ""
    dynamic: bool = False


class _Operations:
    """What the table calls."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    def exec(self, call: Call) -> Ended:
        body: ExecBody = call.body
        program = Program(
            argv=body.argv,
            service=body.service,
            environment=tuple(body.environment.items()),
            directory=body.directory,
            user=body.user,
            source=(body.input,) if body.input else (),
        )
        calls = self._reach.calls(uuid_of(call), Operation.EXEC, str(call.caller))
        done = calls.run(program, Bounds(deadline=body.seconds, output=body.output_max))
        return Ended(how=done.how, status=done.status, signal=done.signal, out=done.out, err=done.err)

    def read_file(self, call: Call) -> Response:
        calls = self._reach.calls(uuid_of(call), Operation.FILE, str(call.caller))
        bounds = Bounds(deadline=DEADLINE_MAX, output=FILE_MAX)
        data = b"".join(calls.read_file(call.query.path, bounds))
        return Response(data, media_type="application/octet-stream", headers={"Cache-Control": "no-store"})

    def write_file(self, call: Call) -> Accepted:
        calls = self._reach.calls(uuid_of(call), Operation.FILE, str(call.caller))
        mode = int(call.query.mode, 8)
        calls.write_file(call.query.path, (call.body,), mode=mode, bounds=Bounds(deadline=DEADLINE_MAX))
        return Accepted(text="")

    def copy(self, call: Call) -> Accepted:
        with self._reach.clipboard(uuid_of(call), str(call.caller)) as clipboard:
            clipboard.send(call.body.text)
        return Accepted(text="")

    def paste(self, call: Call) -> Accepted:
        with self._reach.clipboard(uuid_of(call), str(call.caller)) as clipboard:
            return Accepted(text=clipboard.receive(call.query.wait))

    def hostname(self, call: Call) -> Accepted:
        with self._reach.settings(uuid_of(call), Operation.SET_HOSTNAME, str(call.caller)) as settings:
            changed = settings.set_hostname(call.body.name)
        return Accepted(text="" if changed else "it had this name already")

    def address(self, call: Call) -> Accepted:
        wish = AddressWish(**msgspec.structs.asdict(call.body))
        with self._reach.settings(uuid_of(call), Operation.SET_ADDRESS, str(call.caller)) as settings:
            settings.set_address(wish)
        return Accepted(text="")

    def clock(self, call: Call) -> Accepted:
        with self._reach.settings(uuid_of(call), Operation.SET_TIME, str(call.caller)) as settings:
            return Accepted(text=settings.set_time(time.time()))


def guest_endpoints(reach: Reach) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        reach: gets at guests.
    """
    do = _Operations(reach)
    return (*_commands(do), *_clipboard(do), *_settings(do))


def _commands(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="exec",
            method="POST",
            path=f"{_ONE}/exec",
            role=Role.ADMIN,
            summary="Run a command in the guest, to its end.",
            handle=do.exec,
            reply=Ended,
            body=ExecBody,
            body_max=FILE_MAX,
            seconds=DEADLINE_MAX + 60,
            errors=ERRORS,
            tag=_TAG,
        ),
        Endpoint(
            name="file-read",
            method="GET",
            path=f"{_ONE}/file",
            role=Role.ADMIN,
            summary="A file of the guest.",
            handle=do.read_file,
            reply=bytes,
            query=FileQuery,
            seconds=DEADLINE_MAX + 60,
            media="application/octet-stream",
            errors=ERRORS,
            tag=_TAG,
        ),
        Endpoint(
            name="file-write",
            method="PUT",
            path=f"{_ONE}/file",
            role=Role.ADMIN,
            summary="Write a file of the guest, all or nothing.",
            handle=do.write_file,
            reply=Accepted,
            body=bytes,
            body_max=FILE_MAX,
            query=FileQuery,
            seconds=DEADLINE_MAX + 60,
            media="application/octet-stream",
            errors=ERRORS,
            tag=_TAG,
        ),
    )


def _clipboard(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="clipboard-set",
            method="PUT",
            path=f"{_ONE}/clipboard",
            role=Role.ADMIN,
            summary="Put a text into the guest's clipboard.",
            handle=do.copy,
            reply=Accepted,
            body=ClipboardBody,
            body_max=4 * CLIPBOARD_MAX,
            errors=ERRORS,
            tag=_TAG,
        ),
        Endpoint(
            name="clipboard-get",
            method="GET",
            path=f"{_ONE}/clipboard",
            role=Role.ADMIN,
            summary="The next text that comes into the guest's clipboard.",
            handle=do.paste,
            reply=Accepted,
            query=ClipboardQuery,
            seconds=120.0,
            errors=ERRORS,
            tag=_TAG,
        ),
    )


def _settings(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="hostname",
            method="PUT",
            path=f"{_ONE}/hostname",
            role=Role.OPERATOR,
            summary="Give the guest a name.",
            handle=do.hostname,
            reply=Accepted,
            body=HostnameBody,
            errors=ERRORS,
            tag=_TAG,
        ),
        Endpoint(
            name="address",
            method="PUT",
            path=f"{_ONE}/address",
            role=Role.OPERATOR,
            summary="Set the address of an interface of the guest.",
            handle=do.address,
            reply=Accepted,
            body=AddressBody,
            errors=(*ERRORS, BadGuestRequest),
            tag=_TAG,
        ),
        Endpoint(
            name="clock",
            method="POST",
            path=f"{_ONE}/clock",
            role=Role.OPERATOR,
            summary="Set the guest's clock to the host's.",
            handle=do.clock,
            reply=Accepted,
            errors=ERRORS,
            tag=_TAG,
        ),
    )
