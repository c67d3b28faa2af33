"""What hosts say, as far as the inventory takes it: checked, bounded, and no more than that. Pure.

The shapes are those of docs/host-api.md. A service is ours, but may be of another version, and
names in it were chosen by guests and their owners; so what has another shape is refused, each thing apart.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Final, TypeVar

import msgspec

from guestwright.engine.inventory.choices import AgentState, DiskFormat
from guestwright.engine.inventory.states import VolumeKind, VolumeState

T = TypeVar("T")
LISTED_MAX: Final = 100_000
"""Things in one list."""
_BYTES_MAX: Final = (1 << 62) - 1
_Word = Annotated[str, msgspec.Meta(max_length=128)]
_Text = Annotated[str, msgspec.Meta(max_length=4096)]
_Uuid = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
_Bytes = Annotated[int, msgspec.Meta(ge=0, le=_BYTES_MAX)]
_Volume = Annotated[str, msgspec.Meta(pattern="^[0-9a-z][0-9a-z-]{0,63}$")]


class Drive(msgspec.Struct, frozen=True):
    """A drive of a domain; `medium` is a path on the host."""

    device: Annotated[str, msgspec.Meta(pattern="^(disk|cd|floppy)$")]
    bus: _Word
    target: _Word
    medium: _Text = ""
    format: _Word = ""
    read_only: bool = False


class Card(msgspec.Struct, frozen=True):
    """A network card of a domain; `source` is a network, or if it is `bridged` a bridge."""

    mac: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{2}(:[0-9a-f]{2}){5}$")]
    source: _Word = ""
    model: _Word = ""
    bridged: bool = False


class Platform(msgspec.Struct, frozen=True):
    """The machine that a guest sees."""

    machine: _Word = ""
    firmware: _Word = ""


class Domain(msgspec.Struct, frozen=True):
    """A domain; memory in bytes."""

    uuid: _Uuid
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    state: _Word
    platform: Platform = Platform()
    os: _Word = ""
    memory_maximum: _Bytes = 0
    vcpus: Annotated[int, msgspec.Meta(ge=1, le=1 << 20)] = 1
    drives: Annotated[tuple[Drive, ...], msgspec.Meta(max_length=256)] = ()
    nics: Annotated[tuple[Card, ...], msgspec.Meta(max_length=256)] = ()


class Agent(msgspec.Struct, frozen=True):
    """A guest's agent; `last` in seconds since 1970, None for never."""

    state: AgentState
    reason: _Text = ""
    last: float | None = None


class Known(msgspec.Struct, frozen=True):
    """A domain as its host has it."""

    domain: Domain
    power: Annotated[str, msgspec.Meta(pattern="^(halted|running|paused|suspended)$")]
    agent: Agent | None = None


class Fact(msgspec.Struct, frozen=True):
    """Something that a guest says; times in seconds since 1970."""

    value: Any
    source: str
    since: float
    seen: float


class Guest(msgspec.Struct, frozen=True):
    """All that is known of a guest."""

    uuid: _Uuid
    agent: Agent
    facts: Annotated[dict[str, Fact], msgspec.Meta(max_length=1000)] = {}


class Volume(msgspec.Struct, frozen=True):
    """A volume; `sealed` names the job that did it."""

    id: _Volume
    kind: VolumeKind
    state: VolumeState
    format: DiskFormat
    size: _Bytes
    generation: _Bytes = 0
    parent: Annotated[str, msgspec.Meta(max_length=64)] = ""
    description: _Text = ""
    reason: _Word = ""
    sealed: _Word = ""


class Storage(msgspec.Struct, frozen=True):
    """A storage domain: `directory` on the host, sizes in bytes."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{1,64}$")]
    directory: _Text = ""
    capacity: _Bytes = 0
    free: _Bytes = 0


class Duplicate(msgspec.Struct, frozen=True):
    """An identity that several domains claim."""

    kind: _Word
    value: _Text
    domains: Annotated[tuple[_Uuid, ...], msgspec.Meta(max_length=10_000)]


class About(msgspec.Struct, frozen=True):
    """The service; `hypervisor_lost` since when its hypervisor is away; memory in bytes."""

    hypervisor: _Word = ""
    hypervisor_version: _Word = ""
    version: _Word = ""
    hypervisor_lost: float | None = None
    cpus: Annotated[int, msgspec.Meta(ge=0, le=1 << 20)] = 0
    memory: _Bytes = 0


def moment(said: float, now: float) -> float:
    """A time of a host's clock as one that can be: seconds since 1970, never later than `now`.

    A clock that was ahead for a while would otherwise make everything look old that is said afterwards.
    """
    return min(said, now) if math.isfinite(said) and said > 0 else now
