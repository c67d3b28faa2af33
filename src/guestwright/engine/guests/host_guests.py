"""`GuestPort` over the clients of hosts: the host of a machine is found in the inventory, and asked there.

Theory of operation: each call has a connection of its own, so that one that waits for a guest keeps no other
back. What the host refuses is passed on as it is. That the *engine* may not do something there is no matter
of whoever called the engine, so it is another error; and where the host gave no answer, the error says
that it may have been done.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import msgspec

from guestwright.base.printable import printable
from guestwright.engine.api.guest_port import ExecWish, MediumWish, PowerAction, SysprepWish
from guestwright.engine.following.domains import power_of
from guestwright.engine.following.said import Known
from guestwright.engine.guests.errors import (
    MachineHostLost,
    MachineHostRefuses,
    MachineHostSilent,
    MachineNowhere,
    NoSuchSysprep,
)
from guestwright.engine.inventory.database import Database
from guestwright.host.client import inside
from guestwright.host.client.address import Address
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import (
    HostAnswerBad,
    HostLost,
    HostNotTrusted,
    HostRefused,
    HostUnreachable,
)
from guestwright.http_api.shapes import shaped

_ANSWER: Final = 90.0  # seconds, of what a host answers out of its memory
_POWER: Final = 330.0  # the host's own limit is 300
_WAIT_MAX: Final = 50
_SLACK: Final = 90.0
_SYSPREP: Final = "guest.sysprep"  # the kind of such jobs of hosts, docs/host-api.md
_DENIED: Final = frozenset((HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN))
_JOB: Final = ("id", "status", "percent", "text", "result", "error")
_MEMORY: Final = ("memory_actual", "memory_maximum")
_ENDED: Final = ("how", "status", "signal", "out", "err")


class HostGuests:
    """Implements `GuestPort`.

    Args:
        database: the inventory.
        addresses: where the service of a host is, by the host's id.
    """

    def __init__(self, database: Database, addresses: Callable[[str], Address]) -> None:
        self._database = database
        self._addresses = addresses

    def power(self, vm: str, action: PowerAction) -> Mapping[str, Any]:
        """See `guest_port.GuestPort`."""
        with self._asking(vm, _POWER) as client:
            found = client.power(vm, action)
            try:
                return {"power": power_of(shaped(found, Known))}
            except msgspec.ValidationError as error:
                raise HostAnswerBad(
                    address=str(client.address), request="power", problem=str(error)
                ) from error

    def sysprep(self, vm: str, wish: SysprepWish) -> Mapping[str, Any]:
        """See `guest_port.GuestPort`."""
        body: dict[str, Any] = {"answers": wish.answers.reveal(), "deadline": wish.seconds}
        if wish.filename:
            body["filename"] = wish.filename
        if wish.job:
            body["id"] = wish.job
        with self._asking(vm, _ANSWER) as client:
            return _job(client.post(f"{_one(vm)}/sysprep", body))

    def sysprep_job(self, vm: str, job: str, wait: float) -> Mapping[str, Any]:
        """See `guest_port.GuestPort`."""
        with self._asking(vm, _ANSWER + _WAIT_MAX) as client:
            try:
                found = client.job(job, int(max(0, min(wait, _WAIT_MAX))))
            except HostRefused as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
                raise NoSuchSysprep(vm=vm, job=job[:64]) from error
        parameters = found.get("parameters")
        ours = isinstance(parameters, dict) and parameters.get("domain") == vm
        if found.get("kind") != _SYSPREP or not ours:
            raise NoSuchSysprep(vm=vm, job=job[:64])
        return _job(found)

    def exec(self, vm: str, wish: ExecWish) -> Mapping[str, Any]:
        """See `guest_port.GuestPort`."""
        body = {
            "argv": list(wish.argv),
            "service": wish.service,
            "environment": dict(wish.environment),
            "directory": wish.directory,
            "user": wish.user,
            "input": base64.b64encode(wish.stdin).decode(),
            "seconds": wish.seconds,
            "output_max": wish.output_max,
        }
        with self._asking(vm, wish.seconds + _SLACK) as client:
            found = client.post(f"{_one(vm)}/exec", body)
        return {name: found.get(name) for name in _ENDED}

    def capabilities(self, vm: str) -> list[Mapping[str, Any]]:
        """See `guest_port.GuestPort`."""
        with self._asking(vm, _ANSWER) as client:
            return list(client.capabilities(vm))

    def memory(self, vm: str, target: int) -> Mapping[str, Any]:
        """See `guest_port.GuestPort`."""
        with self._asking(vm, _ANSWER) as client:
            found = client.ask("PUT", f"{_one(vm)}/memory", {"target": target})
            try:
                return {name: int(found["domain"][name]) for name in _MEMORY}
            except (KeyError, TypeError, ValueError) as error:
                problem = "it does not tell of its memory"
                raise HostAnswerBad(address=str(client.address), request="memory", problem=problem) from error

    def insert(self, vm: str, drive: str, wish: MediumWish) -> None:
        """See `guest_port.GuestPort`."""
        body = {"storage": wish.storage, "volume": wish.volume, "change": wish.change, "force": wish.force}
        with self._asking(vm, _ANSWER) as client:
            client.ask("PUT", f"{_one(vm)}/drives/{quote(drive, safe='')}", body)

    def eject(self, vm: str, drive: str, *, force: bool) -> None:
        """See `guest_port.GuestPort`."""
        query = "?force=true" if force else ""
        with self._asking(vm, _ANSWER) as client:
            client.ask("DELETE", f"{_one(vm)}/drives/{quote(drive, safe='')}{query}")

    def copy(self, vm: str, text: str) -> None:
        """See `guest_port.GuestPort`."""
        with self._asking(vm, _ANSWER) as client:
            inside.clipboard_set(client, vm, text)

    def paste(self, vm: str, wait: float) -> str:
        """See `guest_port.GuestPort`."""
        with self._asking(vm, _ANSWER + _WAIT_MAX) as client:
            return inside.clipboard_get(client, vm, max(0.0, min(wait, float(_WAIT_MAX))))

    def read_file(self, vm: str, path: str) -> bytes:
        """See `guest_port.GuestPort`."""
        with self._asking(vm, inside.SECONDS) as client:
            return inside.read_file(client, vm, path)

    def write_file(self, vm: str, path: str, data: bytes, mode: str) -> None:
        """See `guest_port.GuestPort`."""
        with self._asking(vm, inside.SECONDS) as client:
            inside.write_file(client, vm, path, data, mode)

    def hostname(self, vm: str, name: str) -> str:
        """See `guest_port.GuestPort`."""
        with self._asking(vm, _ANSWER) as client:
            return inside.set_hostname(client, vm, name)

    @contextmanager
    def _asking(self, vm: str, seconds: float) -> Iterator[HostClient]:
        """A client of the machine's host; what goes wrong with it in the block is one of our errors."""
        with self._database.read() as tx:
            found = tx.vms.get(vm)
            host = None if found.host_id is None else tx.hosts.find(found.host_id)
        if host is None:
            raise MachineNowhere(vm=vm)
        try:
            with HostClient(self._addresses(host.id), seconds) as client:
                yield client
        except (HostUnreachable, HostNotTrusted) as error:
            raise MachineHostSilent(vm=vm, host=host.name, problem=error.message) from error
        except (HostLost, HostAnswerBad) as error:
            raise MachineHostLost(vm=vm, host=host.name, problem=error.message) from error
        except HostRefused as error:
            if error.status in _DENIED and error.code.startswith("api-"):
                raise MachineHostRefuses(vm=vm, host=host.name, problem=error.message) from error
            raise


def _job(found: Any) -> dict[str, Any]:
    """A host's job as the port has it."""
    job = {name: found.get(name) if isinstance(found, dict) else None for name in _JOB}
    return {**job, "text": printable(str(job["text"] or ""))}


def _one(vm: str) -> str:
    return f"/v1/domains/{quote(vm, safe='')}"
