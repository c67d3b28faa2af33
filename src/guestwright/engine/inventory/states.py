"""The states of volumes, templates, machines, hosts, payloads and sysprep, as tables.

A volume's standing is three values at once: its state, its kind, and whether it must be sealed. That is how
the rule "no disk is ever legal and unsealed" is one that can be seen: no row leads to `legal` with `wanted`,
and the database has a CHECK that says so again. Names follow oVirt (vdsm: LEGALITY, VOLTYPE) and what the
host service keeps of a volume.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from guestwright.engine.inventory.machine import Machine


class VolumeState(StrEnum):
    """Being made and not yet there; fit for use; not fit for use."""

    LOCKED = "locked"
    LEGAL = "legal"
    ILLEGAL = "illegal"


class VolumeKind(StrEnum):
    """A leaf belongs to one machine and may be written; a shared volume is read by many and never changes."""

    LEAF = "leaf"
    SHARED = "shared"


class Sealing(StrEnum):
    """Whether a volume has to be sealed before anybody may use it."""

    NONE = "none"
    WANTED = "wanted"
    DONE = "done"


class VolumeEvent(StrEnum):
    """What happens to a volume."""

    FILLED = "filled"  # its content is complete
    SEAL_WANTED = "seal-wanted"  # of a volume that is there: it will be sealed in place
    SEALED = "sealed"  # and from now on shared, as a template's is
    SEALED_LEAF = "sealed-leaf"  # and stays one machine's
    SHARED = "shared"
    CONDEMNED = "condemned"  # not fit for use, or about to be deleted
    ACCEPTED = "accepted"  # fit for use after all


class TemplateState(StrEnum):
    """Of one version of a template: being made or taken away; ready to make machines from."""

    LOCKED = "locked"
    READY = "ready"


class TemplateEvent(StrEnum):
    """What happens to a version of a template."""

    UNLOCKED = "unlocked"  # only when all its volumes are legal and shared, and sealed if that was wanted
    LOCKED = "locked"


class VmState(StrEnum):
    """What the engine does with a machine; its power is another matter."""

    CREATING = "creating"
    READY = "ready"
    LOCKED = "locked"
    REMOVING = "removing"


class VmEvent(StrEnum):
    """What the engine does with a machine."""

    CREATED = "created"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    REMOVING = "removing"


class Power(StrEnum):
    """What a machine does, by the hypervisor's word; `unknown` while nobody can say."""

    UNKNOWN = "unknown"
    OFF = "off"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    STOPPING = "stopping"
    CRASHED = "crashed"


class PowerEvent(StrEnum):
    """What somebody asked for, and what was seen."""

    START = "start"
    STOP = "stop"
    SEEN_OFF = "seen-off"
    SEEN_RUNNING = "seen-running"
    SEEN_PAUSED = "seen-paused"
    SEEN_SUSPENDED = "seen-suspended"
    SEEN_CRASHED = "seen-crashed"
    LOST = "lost"  # its host does not answer


SEEN: Final[Mapping[Power, PowerEvent]] = {
    Power.OFF: PowerEvent.SEEN_OFF,
    Power.RUNNING: PowerEvent.SEEN_RUNNING,
    Power.PAUSED: PowerEvent.SEEN_PAUSED,
    Power.SUSPENDED: PowerEvent.SEEN_SUSPENDED,
    Power.CRASHED: PowerEvent.SEEN_CRASHED,
}
"""What it means that a host says so."""


class HostState(StrEnum):
    """Of the link to a host."""

    JOINING = "joining"
    UP = "up"
    UNREACHABLE = "unreachable"
    MAINTENANCE = "maintenance"


class HostEvent(StrEnum):
    """What happens to a host."""

    CONNECTED = "connected"
    LOST = "lost"
    MAINTENANCE = "maintenance"
    ACTIVATED = "activated"


class PayloadState(StrEnum):
    """How far the payload of a machine is."""

    DEFINED = "defined"
    ATTACHED = "attached"
    SEEN = "seen"
    CONSUMED = "consumed"
    SCRUBBED = "scrubbed"
    FAILED = "failed"


class PayloadEvent(StrEnum):
    """What happens to the payload of a machine."""

    ATTACHED = "attached"
    SEEN = "seen"
    CONSUMED = "consumed"
    SCRUBBED = "scrubbed"
    RUN_OVER = "run-over"  # of a permanent one: it will be shown again
    FAILED = "failed"


class SysprepState(StrEnum):
    """How far a sysprep is."""

    REQUESTED = "requested"
    INSERTED = "media-inserted"
    SEEN = "media-seen"
    RUNNING = "running"
    FINISHED = "finished"
    DOWN = "vm-down"
    FAILED = "failed"


_V, _K, _S = VolumeState, VolumeKind, Sealing
VOLUME: Final = Machine(
    name="volume",
    columns=("state", "kind", "sealing"),
    initial=frozenset(
        (
            (_V.LOCKED, _K.LEAF, _S.NONE),
            (_V.LOCKED, _K.SHARED, _S.NONE),
            (_V.LOCKED, _K.LEAF, _S.WANTED),
        )
    ),
    moves={
        ((_V.LOCKED, _K.LEAF, _S.NONE), VolumeEvent.FILLED): (_V.LEGAL, _K.LEAF, _S.NONE),
        ((_V.LOCKED, _K.SHARED, _S.NONE), VolumeEvent.FILLED): (_V.LEGAL, _K.SHARED, _S.NONE),
        ((_V.LOCKED, _K.LEAF, _S.WANTED), VolumeEvent.FILLED): (_V.ILLEGAL, _K.LEAF, _S.WANTED),
        ((_V.LEGAL, _K.LEAF, _S.NONE), VolumeEvent.SEAL_WANTED): (_V.ILLEGAL, _K.LEAF, _S.WANTED),
        ((_V.LEGAL, _K.LEAF, _S.NONE), VolumeEvent.SHARED): (_V.LEGAL, _K.SHARED, _S.NONE),
        ((_V.LEGAL, _K.LEAF, _S.DONE), VolumeEvent.SHARED): (_V.LEGAL, _K.SHARED, _S.DONE),
        ((_V.ILLEGAL, _K.LEAF, _S.WANTED), VolumeEvent.SEALED): (_V.LEGAL, _K.SHARED, _S.DONE),
        ((_V.ILLEGAL, _K.LEAF, _S.WANTED), VolumeEvent.SEALED_LEAF): (_V.LEGAL, _K.LEAF, _S.DONE),
        ((_V.LOCKED, _K.LEAF, _S.NONE), VolumeEvent.CONDEMNED): (_V.ILLEGAL, _K.LEAF, _S.NONE),
        ((_V.LOCKED, _K.SHARED, _S.NONE), VolumeEvent.CONDEMNED): (_V.ILLEGAL, _K.SHARED, _S.NONE),
        ((_V.LOCKED, _K.LEAF, _S.WANTED), VolumeEvent.CONDEMNED): (_V.ILLEGAL, _K.LEAF, _S.WANTED),
        ((_V.LEGAL, _K.LEAF, _S.NONE), VolumeEvent.CONDEMNED): (_V.ILLEGAL, _K.LEAF, _S.NONE),
        ((_V.LEGAL, _K.SHARED, _S.NONE), VolumeEvent.CONDEMNED): (_V.ILLEGAL, _K.SHARED, _S.NONE),
        ((_V.LEGAL, _K.LEAF, _S.DONE), VolumeEvent.CONDEMNED): (_V.ILLEGAL, _K.LEAF, _S.DONE),
        ((_V.LEGAL, _K.SHARED, _S.DONE), VolumeEvent.CONDEMNED): (_V.ILLEGAL, _K.SHARED, _S.DONE),
        ((_V.ILLEGAL, _K.LEAF, _S.WANTED), VolumeEvent.CONDEMNED): (_V.ILLEGAL, _K.LEAF, _S.WANTED),
        ((_V.ILLEGAL, _K.LEAF, _S.NONE), VolumeEvent.ACCEPTED): (_V.LEGAL, _K.LEAF, _S.NONE),
        ((_V.ILLEGAL, _K.SHARED, _S.NONE), VolumeEvent.ACCEPTED): (_V.LEGAL, _K.SHARED, _S.NONE),
        ((_V.ILLEGAL, _K.LEAF, _S.DONE), VolumeEvent.ACCEPTED): (_V.LEGAL, _K.LEAF, _S.DONE),
        ((_V.ILLEGAL, _K.SHARED, _S.DONE), VolumeEvent.ACCEPTED): (_V.LEGAL, _K.SHARED, _S.DONE),
    },
    removable=frozenset(
        (state, kind, sealing) for state in (_V.LOCKED, _V.ILLEGAL) for kind in _K for sealing in _S
    ),
)

TEMPLATE: Final = Machine(
    name="template version",
    columns=("state",),
    initial=frozenset({(TemplateState.LOCKED,)}),
    moves={
        ((TemplateState.LOCKED,), TemplateEvent.UNLOCKED): (TemplateState.READY,),
        ((TemplateState.READY,), TemplateEvent.LOCKED): (TemplateState.LOCKED,),
    },
    removable=frozenset({(TemplateState.LOCKED,)}),
)

VM: Final = Machine(
    name="machine",
    columns=("state",),
    initial=frozenset({(VmState.CREATING,), (VmState.READY,)}),  # ready: one that was there before us
    moves={
        ((VmState.CREATING,), VmEvent.CREATED): (VmState.READY,),
        ((VmState.CREATING,), VmEvent.REMOVING): (VmState.REMOVING,),
        ((VmState.READY,), VmEvent.LOCKED): (VmState.LOCKED,),
        ((VmState.LOCKED,), VmEvent.UNLOCKED): (VmState.READY,),
        ((VmState.READY,), VmEvent.REMOVING): (VmState.REMOVING,),
    },
    removable=frozenset({(VmState.CREATING,), (VmState.REMOVING,)}),
)

_P, _E = Power, PowerEvent
POWER: Final = Machine(
    name="power",
    columns=("power",),
    initial=frozenset({(_P.UNKNOWN,), (_P.OFF,)}),
    moves={
        ((_P.OFF,), _E.START): (_P.STARTING,),
        ((_P.CRASHED,), _E.START): (_P.STARTING,),
        ((_P.SUSPENDED,), _E.START): (_P.STARTING,),
        ((_P.RUNNING,), _E.STOP): (_P.STOPPING,),
        ((_P.PAUSED,), _E.STOP): (_P.STOPPING,),
        ((_P.STARTING,), _E.STOP): (_P.STOPPING,),
        # The hypervisor's word is true whatever was thought before.
        **{((one,), event): (power,) for power, event in SEEN.items() for one in _P},
        **{((one,), _E.LOST): (_P.UNKNOWN,) for one in _P},
    },
    removable=frozenset({(_P.UNKNOWN,), (_P.OFF,), (_P.CRASHED,), (_P.SUSPENDED,)}),
)

_H = HostState
HOST: Final = Machine(
    name="host",
    columns=("state",),
    initial=frozenset({(_H.JOINING,)}),
    moves={
        ((_H.JOINING,), HostEvent.CONNECTED): (_H.UP,),
        ((_H.UNREACHABLE,), HostEvent.CONNECTED): (_H.UP,),
        ((_H.UP,), HostEvent.LOST): (_H.UNREACHABLE,),
        ((_H.UP,), HostEvent.MAINTENANCE): (_H.MAINTENANCE,),
        ((_H.UNREACHABLE,), HostEvent.MAINTENANCE): (_H.MAINTENANCE,),
        ((_H.MAINTENANCE,), HostEvent.ACTIVATED): (_H.UNREACHABLE,),  # until it answers
    },
    removable=frozenset({(_H.JOINING,), (_H.MAINTENANCE,)}),
)

STORAGE: Final = Machine(
    name="storage domain",
    columns=("state",),
    initial=HOST.initial,
    moves=HOST.moves,
    removable=HOST.removable,
)

_Y = PayloadState
PAYLOAD: Final = Machine(
    name="payload",
    columns=("state",),
    initial=frozenset({(_Y.DEFINED,)}),
    moves={
        ((_Y.DEFINED,), PayloadEvent.ATTACHED): (_Y.ATTACHED,),
        ((_Y.FAILED,), PayloadEvent.ATTACHED): (_Y.ATTACHED,),
        ((_Y.ATTACHED,), PayloadEvent.SEEN): (_Y.SEEN,),
        ((_Y.ATTACHED,), PayloadEvent.CONSUMED): (_Y.CONSUMED,),
        ((_Y.SEEN,), PayloadEvent.CONSUMED): (_Y.CONSUMED,),
        ((_Y.ATTACHED,), PayloadEvent.SCRUBBED): (_Y.SCRUBBED,),
        ((_Y.SEEN,), PayloadEvent.SCRUBBED): (_Y.SCRUBBED,),
        ((_Y.CONSUMED,), PayloadEvent.SCRUBBED): (_Y.SCRUBBED,),
        ((_Y.ATTACHED,), PayloadEvent.RUN_OVER): (_Y.DEFINED,),
        ((_Y.SEEN,), PayloadEvent.RUN_OVER): (_Y.DEFINED,),
        **{
            ((one,), PayloadEvent.FAILED): (_Y.FAILED,)
            for one in (_Y.DEFINED, _Y.ATTACHED, _Y.SEEN, _Y.CONSUMED)
        },
    },
    removable=frozenset((one,) for one in _Y),
)

_Z = SysprepState
_WAY: Final = (_Z.REQUESTED, _Z.INSERTED, _Z.SEEN, _Z.RUNNING, _Z.FINISHED, _Z.DOWN)
SYSPREP: Final = Machine(
    name="sysprep",
    columns=("state",),
    initial=frozenset({(_Z.REQUESTED,)}),
    # The event is the state that was reached. A guest that knows only XAPI's protocol skips some.
    moves={
        **{((one,), later): (later,) for at, one in enumerate(_WAY) for later in _WAY[at + 1 :]},
        **{((one,), _Z.FAILED): (_Z.FAILED,) for one in _WAY[:-1]},
    },
    removable=frozenset({(_Z.DOWN,), (_Z.FAILED,)}),
)
