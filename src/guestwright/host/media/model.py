"""What is known of a payload: all but its contents, so that all of it may be shown."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any, Final

from guestwright.base.record import record, replace
from guestwright.hypervisor.domain import Bus, Device, DomainId
from guestwright.media.sources.model import Form
from guestwright.media.write import MediaKind


class Persistence(StrEnum):
    """When a payload is shown."""

    PERMANENT = "permanent"  # at every start
    RUN_ONCE = "run-once"  # during the next run only


class State(StrEnum):
    """How far it is."""

    DEFINED = "defined"
    ATTACHED = "attached"
    SEEN = "seen"
    CONSUMED = "consumed"
    SCRUBBED = "scrubbed"
    FAILED = "failed"


class Scrub(StrEnum):
    """What counts as the guest's word that it needs the contents no more."""

    NEVER = "never"
    TOLD = "when-told"
    UP = "when-up"  # or when told


_BY_BOOT: Final = frozenset((Form.NOCLOUD, Form.CONFIGDRIVE, Form.IGNITION))


@record
class Place:
    """Where it is shown.

    Attributes:
        device: CD, floppy, or a labelled disk in their place.
        bus: what it hangs on.
        target: name of the drive.
        reason: why there, for people.
    """

    device: Device
    bus: Bus
    target: str
    reason: str = ""


@record
class Entry:
    """One payload.

    Attributes:
        domain: whose.
        persistence: when it is shown.
        wanted: as a CD or a floppy.
        form: who reads it.
        label: of the volume.
        scrub: when its secrets go.
        state: how far it is.
        reason: why it has failed, or is where it is; for people.
        image: name of its image: random, the same on both hosts of a migration.
        contents: name of its contents in the vault; "" when they are destroyed.
        made: when it was defined, seconds since 1970; also the time of the files on it.
        serial: of a FAT volume.
        place: where it is or was shown; None before.
        own_drive: whether the drive was put into the definition for it.
        inside: whether its image is in a drive of a run, or kept for a suspended one.
        from_start: whether it was there when the run began.
        incoming: until when its domain is expected by a migration, seconds since 1970; 0 when it is not.
    """

    domain: DomainId
    persistence: Persistence
    wanted: Device
    form: Form
    label: str
    scrub: Scrub
    state: State = State.DEFINED
    reason: str = ""
    image: str = ""
    contents: str = ""
    made: int = 0
    serial: int = 0
    place: Place | None = None
    own_drive: bool = False
    inside: bool = False
    from_start: bool = False
    incoming: float = 0.0


def kind_of(wanted: Device, place: Place) -> MediaKind:
    """What is written for a place.

    A disk in a CD's place holds what the CD would: agents look for discs on read-only disks as well, and
    cloud-init goes by the label. One in a floppy's place is as large as its contents.
    """
    if wanted is Device.CD:
        return MediaKind.CDROM
    return MediaKind.FLOPPY if place.device is Device.FLOPPY else MediaKind.DISK


def default_scrub(form: Form) -> Scrub:
    """When secrets go unless somebody says otherwise.

    cloud-init's cloud-init.service, which reads the medium and keeps what it read, comes before
    systemd-user-sessions.service (its unit file in Debian 12), and that before a guest counts as up. Ignition
    runs in the initramfs.
    """
    return Scrub.UP if form in _BY_BOOT else Scrub.TOLD


def to_bytes(entry: Entry) -> bytes:
    """JSON."""
    plain = {name: getattr(entry, name) for name in _PLAIN}
    place = entry.place
    told = None if place is None else [place.device, place.bus, place.target, place.reason]
    return json.dumps({**plain, "place": told}).encode()


def from_bytes(data: bytes) -> Entry:
    """What `to_bytes` made.

    Raises:
        ValueError, KeyError, TypeError: it is something else.
    """
    found: dict[str, Any] = json.loads(data)
    place = found.pop("place")
    plain = Entry(
        domain=DomainId(found.pop("domain")),
        persistence=Persistence(found.pop("persistence")),
        wanted=Device(found.pop("wanted")),
        form=Form(found.pop("form")),
        label=found.pop("label"),
        scrub=Scrub(found.pop("scrub")),
        state=State(found.pop("state")),
    )
    if place is not None:
        device, bus, target, reason = place
        found["place"] = Place(device=Device(device), bus=Bus(bus), target=target, reason=reason)
    return replace(plain, **found)


_PLAIN: Final = (
    "domain",
    "persistence",
    "wanted",
    "form",
    "label",
    "scrub",
    "state",
    "reason",
    "image",
    "contents",
    "made",
    "serial",
    "own_drive",
    "inside",
    "from_start",
    "incoming",
)
