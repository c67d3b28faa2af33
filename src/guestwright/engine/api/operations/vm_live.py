"""Operations on machines that run: power, sysprep, programs, and what is possible. Hosts are asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any, Final

import msgspec

from guestwright.base.errors import GuestwrightError
from guestwright.base.secret import Secret
from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Answer, Call, Endpoint, Later, Pool
from guestwright.engine.api.guest_port import ExecWish, PowerAction, SysprepWish
from guestwright.engine.api.operations.vms import WholeVm, whole
from guestwright.engine.api.parts import Parts
from guestwright.engine.inventory import states, syspreps
from guestwright.engine.inventory.errors import NotAllowedNow, NotInInventory
from guestwright.engine.inventory.ids import new_id
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.states import Power, PowerEvent
from guestwright.http_api.shapes import shaped

EXEC_MAX: Final = 600.0  # seconds
_SLOW: Final = 330.0  # seconds: a suspend writes a guest's memory to disk
_TAG: Final = "live"
_UNDER_WAY: Final = frozenset({"pending", "running", "aborting"})
_UNSURE: Final = frozenset({503, 504})
_Word = Annotated[str, msgspec.Meta(max_length=32 << 10)]


class PowerBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What to do with a machine's power.

    Attributes:
        action: one of them.
    """

    action: PowerAction


class SysprepBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How to generalise a guest.

    Attributes:
        answers: contents of the answer file; secret, kept nowhere.
        filename: of it on the medium; "" for the host's default.
        timeout: seconds for all of it, up to the guest's power-off.
    """

    answers: Annotated[str, msgspec.Meta(min_length=1, max_length=64 << 10)]
    filename: Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$")] = ""
    timeout: Annotated[float, msgspec.Meta(ge=1, le=7200)] = 600.0


class HostJob(msgspec.Struct, frozen=True):
    """A sysprep, a job of the machine's host.

    Attributes:
        id: at its host.
        status: by the host's words.
        percent: how much is done; None while nobody knows.
        text: what it does now.
        result: of the work, once it is done.
        error: what made it fail.
    """

    id: str
    status: str
    percent: int | None = None
    text: str = ""
    result: Any = None
    error: Any = None


class WaitQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How to look.

    Attributes:
        wait: seconds to wait for the end before the answer.
    """

    wait: Annotated[float, msgspec.Meta(ge=0, le=50)] = 0.0


class ExecBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What to run in a guest.

    Attributes:
        argv: program, by an absolute path, and arguments; for a service its name and arguments.
        service: whether it is a service that the guest's owner has named.
        stdin: for its standard input, Base64.
        environment: more variables.
        directory: that it runs in.
        user: who runs it.
        timeout: seconds, after which the guest ends it.
        output_max: bytes of output and errors together.
    """

    argv: Annotated[tuple[_Word, ...], msgspec.Meta(min_length=1, max_length=1024)]
    service: bool = False
    stdin: bytes = b""
    environment: dict[str, _Word] = {}
    directory: Annotated[str, msgspec.Meta(max_length=4096)] = ""
    user: Annotated[str, msgspec.Meta(max_length=64)] = ""
    timeout: Annotated[float, msgspec.Meta(gt=0, le=EXEC_MAX)] = 60.0
    output_max: Annotated[int, msgspec.Meta(ge=0, le=16 << 20)] = 1 << 20


class ExecReply(msgspec.Struct, frozen=True):
    """How a program ended.

    Attributes:
        how: by the host's words.
        status: of its exit.
        signal: that ended it.
        out: its output, Base64.
        err: its errors, Base64.
    """

    how: str
    status: int | None
    signal: Any
    out: str
    err: str


class Capability(msgspec.Struct, frozen=True):
    """Whether an operation is possible now.

    Attributes:
        operation: which.
        allowed: whether it may be done.
        cause: why not; None when it is allowed.
        text: the same for people.
        remedy: what to do about it.
    """

    operation: str
    allowed: bool
    cause: str | None
    text: str
    remedy: str


class Capabilities(msgspec.Struct, frozen=True):
    """What may be done with a machine now."""

    items: tuple[Capability, ...]


class _Operations:
    """What the table calls."""

    def __init__(self, parts: Parts, randomness: Callable[[int], bytes]) -> None:
        self._database = parts.database
        self._guests = parts.guests
        self._randomness = randomness

    def power(self, call: Call) -> Answer:
        vm, action = call.path["id"], call.body.action
        if action is PowerAction.START:
            told = self._start(vm)
        else:
            self._known(vm)
            told = self._guests.power(vm, action)
        event = states.SEEN.get(told.get("power"))  # type: ignore[arg-type]  # any other word is no key
        with self._database.write() as tx:
            if event is not None:
                tx.vms.move(vm, states.POWER, event)
            return whole(tx, tx.vms.get(vm))

    def _start(self, vm: str) -> Mapping[str, Any]:
        """Start a machine; nobody may lock it meanwhile, so it is `starting` before its host is asked."""
        with self._database.write() as tx:
            before = tx.vms.hold(vm).power
            tx.vms.move(vm, states.POWER, PowerEvent.START)
        try:
            return self._guests.power(vm, PowerAction.START)
        except GuestwrightError as error:
            event = PowerEvent.LOST if int(error.http_status) in _UNSURE else states.SEEN[before]
            with self._database.write() as tx:
                if tx.vms.hold(vm).power is Power.STARTING:
                    tx.vms.move(vm, states.POWER, event)
            raise

    def sysprep(self, call: Call) -> Answer:
        vm, body = call.path["id"], call.body
        with self._database.write() as tx:
            id_ = new_id(tx.now, self._randomness(10))
            kept = syspreps.begin(tx, id_, tx.vms.get(vm), call.who.name)
        wish = SysprepWish(
            answers=Secret(body.answers), filename=body.filename, seconds=body.timeout, job=kept.job
        )
        try:
            job = shaped(dict(self._guests.sysprep(vm, wish)), HostJob)
        except GuestwrightError as error:
            if int(error.http_status) not in _UNSURE:  # else whoever follows the host finds out
                with self._database.write() as tx:
                    syspreps.fail(tx, id_, error.code, error.message)
            raise
        self._follow(id_, job)
        return Answer(value=job, location=f"/vms/{vm}/sysprep/{job.id}")

    def sysprep_job(self, call: Call) -> HostJob | Later:
        vm = call.path["id"]
        self._known(vm)
        job = shaped(dict(self._guests.sysprep_job(vm, call.path["job"], 0.0)), HostJob)
        with self._database.read() as tx:
            mine = (Filter("vm_id", Op.IS, vm), Filter("job", Op.IS, job.id[:64]))
            kept = tx.syspreps.all(*mine, most=1)
        for one in kept:
            if one.state not in syspreps.ENDED:
                self._follow(one.id, job)
        return Later(value=job) if job.status in _UNDER_WAY else job

    def _follow(self, id_: str, job: HostJob) -> None:
        with suppress(NotInInventory), self._database.write() as tx:  # its machine may be gone
            syspreps.follow(tx, id_, msgspec.structs.asdict(job))

    def exec(self, call: Call) -> ExecReply:
        vm, body = call.path["id"], call.body
        self._known(vm)
        wish = ExecWish(
            argv=body.argv,
            service=body.service,
            stdin=body.stdin,
            environment=body.environment,
            directory=body.directory,
            user=body.user,
            seconds=body.timeout,
            output_max=body.output_max,
        )
        return shaped(dict(self._guests.exec(vm, wish)), ExecReply)

    def capabilities(self, call: Call) -> Capabilities:
        self._known(call.path["id"])
        found = self._guests.capabilities(call.path["id"])
        return Capabilities(items=tuple(shaped(dict(one), Capability) for one in found))

    def _known(self, vm: str) -> None:
        """Raise `NotInInventory` unless there is such a machine: nothing else reaches a host."""
        with self._database.read() as tx:
            tx.vms.get(vm)


def live_endpoints(parts: Parts, randomness: Callable[[int], bytes] = os.urandom) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        parts: of the engine.
        randomness: so many bytes, cryptographic.
    """
    do = _Operations(parts, randomness)
    return (*_power(do), *_sysprep(do))


def _power(do: _Operations) -> tuple[Endpoint, ...]:
    missing = (NotInInventory,)
    return (
        Endpoint(
            name="vm-power",
            method="POST",
            path="/vms/{id}/power",
            right=Right.VM_POWER,
            summary="Change a machine's power, and wait for its host.",
            handle=do.power,
            reply=WholeVm,
            body=PowerBody,
            seconds=_SLOW,
            errors=(NotInInventory, NotAllowedNow),
            tag=_TAG,
            pool=Pool.GUESTS,
        ),
        Endpoint(
            name="vm-exec",
            method="POST",
            path="/vms/{id}/exec",
            right=Right.GUEST_EXEC,
            summary="Run a program in a guest, to its end.",
            handle=do.exec,
            reply=ExecReply,
            body=ExecBody,
            body_max=24 << 20,
            seconds=EXEC_MAX + 60,
            errors=missing,
            tag=_TAG,
            pool=Pool.GUESTS,
        ),
        Endpoint(
            name="vm-capabilities",
            method="GET",
            path="/vms/{id}/capabilities",
            right=Right.READ,
            summary="Each operation: allowed, or refused with cause, text and remedy, by the host's word.",
            handle=do.capabilities,
            reply=Capabilities,
            errors=missing,
            tag=_TAG,
            pool=Pool.GUESTS,
        ),
    )


def _sysprep(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="vm-sysprep",
            method="POST",
            path="/vms/{id}/sysprep",
            right=Right.VM_CHANGE,
            summary="Generalise a guest with an answer file; a job of its host, found at Location.",
            handle=do.sysprep,
            reply=HostJob,
            body=SysprepBody,
            body_max=512 << 10,
            status=202,
            errors=(NotInInventory,),
            tag=_TAG,
            pool=Pool.GUESTS,
            kept=True,
        ),
        Endpoint(
            name="vm-sysprep-job",
            method="GET",
            path="/vms/{id}/sysprep/{job}",
            right=Right.READ,
            summary="How far a sysprep is; on demand, when it has ended.",
            handle=do.sysprep_job,
            reply=HostJob,
            query=WaitQuery,
            wait=lambda call: float(call.query.wait),
            errors=(NotInInventory,),
            tag=_TAG,
            pool=Pool.GUESTS,
        ),
    )
