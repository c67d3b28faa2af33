"""What is done inside guests besides programs: files, clipboard, host name. Hosts are asked."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from starlette.responses import Response

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Call, Endpoint, Pool
from guestwright.engine.api.guest_port import GuestPort
from guestwright.engine.api.parts import Parts
from guestwright.engine.api.streaming import BYTES
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import NotInInventory
from guestwright.host.client.inside import FILE_MAX, SECONDS

_TAG: Final = "live"
_TEXT_MAX: Final = 256 << 10
_READ: Final = "guest-file-read"
_PASTE: Final = "guest-clipboard-get"
_Path = Annotated[str, msgspec.Meta(min_length=1, max_length=4096, pattern="^/")]


class FileQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which file of a guest.

    Attributes:
        path: in the guest, absolute.
    """

    path: _Path


class WrittenQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which file of a guest is written, and how.

    Attributes:
        path: in the guest, absolute.
        mode: its permissions, octal.
    """

    path: _Path
    mode: Annotated[str, msgspec.Meta(pattern="^[0-7]{3,4}$")] = "600"


class ClipboardBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A text for a guest's clipboard.

    Attributes:
        text: it.
    """

    text: Annotated[str, msgspec.Meta(max_length=_TEXT_MAX)]


class ClipboardQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How to wait for a text.

    Attributes:
        wait: seconds for somebody to copy one.
    """

    wait: Annotated[float, msgspec.Meta(ge=0, le=50)] = 10.0


class ClipboardReply(msgspec.Struct, frozen=True):
    """A text that was copied in a guest.

    Attributes:
        text: it.
    """

    text: str


class HostnameBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A host name.

    Attributes:
        name: it.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=253)]


class Said(msgspec.Struct, frozen=True):
    """What a guest says.

    Attributes:
        text: its answer, for people; "" when it has nothing to add.
    """

    text: str


class _Operations:
    """What the table calls."""

    def __init__(self, database: Database, guests: GuestPort) -> None:
        self._database = database
        self._guests = guests

    def read(self, call: Call) -> Response:
        self._known(call, _READ)
        data = self._guests.read_file(call.path["id"], call.query.path)
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return Response(data, media_type=BYTES, headers=headers)

    def write(self, call: Call) -> None:
        self._known(call)
        self._guests.write_file(call.path["id"], call.query.path, call.body, call.query.mode)

    def copy(self, call: Call) -> None:
        self._known(call)
        self._guests.copy(call.path["id"], call.body.text)

    def paste(self, call: Call) -> ClipboardReply:
        self._known(call, _PASTE)
        return ClipboardReply(text=self._guests.paste(call.path["id"], call.query.wait))

    def hostname(self, call: Call) -> Said:
        self._known(call)
        return Said(text=self._guests.hostname(call.path["id"], call.body.name))

    def _known(self, call: Call, noted: str = "") -> None:
        """Raise `NotInInventory` unless there is such a machine; who reads in a guest is noted."""
        vm = call.path["id"]
        if not noted:
            with self._database.read() as tx:
                tx.vms.get(vm)
            return
        with self._database.write() as tx:
            tx.vms.get(vm)
            tx.audit.write(noted, actor=call.who.name, remote=call.remote, subject=vm)


def inside_endpoints(parts: Parts) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        parts: of the engine.
    """
    do = _Operations(parts.database, parts.guests)
    shared: dict[str, Any] = {"errors": (NotInInventory,), "tag": _TAG, "pool": Pool.GUESTS}
    return (*_files(do, shared), *_texts(do, shared))


def _files(do: _Operations, shared: dict[str, Any]) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name=_READ,
            method="GET",
            path="/vms/{id}/file",
            right=Right.GUEST_EXEC,
            summary="A file of a guest, at most 16 MiB. Who reads it is noted.",
            handle=do.read,
            reply=bytes,
            media=BYTES,
            query=FileQuery,
            seconds=SECONDS,
            audited=True,
            **shared,
        ),
        Endpoint(
            name="guest-file-write",
            method="PUT",
            path="/vms/{id}/file",
            right=Right.GUEST_EXEC,
            summary="Write a file of a guest, all or nothing.",
            handle=do.write,
            reply=None,
            status=204,
            body=bytes,
            body_max=FILE_MAX,
            media=BYTES,
            query=WrittenQuery,
            seconds=SECONDS,
            **shared,
        ),
    )


def _texts(do: _Operations, shared: dict[str, Any]) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="guest-clipboard-set",
            method="PUT",
            path="/vms/{id}/clipboard",
            right=Right.GUEST_EXEC,
            summary="Put a text into a guest's clipboard.",
            handle=do.copy,
            reply=None,
            status=204,
            body=ClipboardBody,
            body_max=4 * _TEXT_MAX,
            **shared,
        ),
        Endpoint(
            name=_PASTE,
            method="GET",
            path="/vms/{id}/clipboard",
            right=Right.GUEST_EXEC,
            summary="The next text that is copied in a guest. Who reads it is noted.",
            handle=do.paste,
            reply=ClipboardReply,
            query=ClipboardQuery,
            seconds=150.0,
            audited=True,
            secret=True,
            **shared,
        ),
        Endpoint(
            name="guest-hostname",
            method="PUT",
            path="/vms/{id}/hostname",
            right=Right.VM_CHANGE,
            summary="Give a guest a name.",
            handle=do.hostname,
            reply=Said,
            body=HostnameBody,
            **shared,
        ),
    )
