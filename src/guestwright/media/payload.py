"""Payloads of any form: which one a medium holds, and its scrubbed twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from guestwright.base.record import replace
from guestwright.media.sources import configdrive, files, ignition, nocloud, unattend
from guestwright.media.sources.findings import refuse
from guestwright.media.sources.model import Form, Input, Payload

_SCRUB: Final[Mapping[Form, Callable[[Payload], Payload]]] = {
    Form.UNATTEND: unattend.scrub,
    Form.NOCLOUD: nocloud.scrub,
    Form.CONFIGDRIVE: configdrive.scrub,
    Form.IGNITION: ignition.scrub,
    Form.FILES: files.scrub,
}
_MAX_ANSWERS: Final = 4 * 1024 * 1024


def scrub(payload: Payload) -> Payload:
    """The twin of a payload without its secrets: same label and instance-id, to swap in after consumption."""
    return _SCRUB[payload.form](payload)


def form_of(label: str, paths: frozenset[str]) -> Form:
    """Which form a medium has.

    Args:
        label: of the volume; case does not matter, FAT has upper case only.
        paths: of its files, from the root.
    """
    if label.lower() == nocloud.LABEL and {"/user-data", "/meta-data"} <= paths:
        return Form.NOCLOUD
    if label.lower() == configdrive.LABEL:
        if f"/{configdrive.LATEST}/meta_data.json" in paths:
            return Form.CONFIGDRIVE
        if ignition.PATH in paths:
            return Form.IGNITION
    if len(paths) == 1 and next(iter(paths))[1:].lower() in unattend.NAMES:
        return Form.UNATTEND
    return Form.FILES


def payload_of(label: str, found: Mapping[str, bytes]) -> Payload:
    """Check what stands on a medium, by its form.

    Args:
        label: of the volume.
        found: paths from the root, with contents.

    Raises:
        BadPayload: its reader would refuse it.
    """
    form = form_of(label, frozenset(found))
    named = {path: Input(name=path, data=data) for path, data in found.items()}
    if form is Form.NOCLOUD:
        extra = set(named) - {"/user-data", "/meta-data", "/vendor-data", "/network-config"}
        if extra:
            raise refuse(min(extra), "no file of a NoCloud medium")
        made = nocloud.build(
            user_data=named["/user-data"],
            meta_data=named["/meta-data"],
            vendor_data=named.get("/vendor-data"),
            network_config=named.get("/network-config"),
        )
    elif form is Form.CONFIGDRIVE:
        made = configdrive.build([(path[1:], one) for path, one in named.items()])
    elif form is Form.IGNITION:
        made = ignition.build(named[ignition.PATH])
    elif form is Form.UNATTEND:
        (one,) = named.values()
        made = unattend.build(one, limit=_MAX_ANSWERS, unknown_components=True)
    else:
        made = files.build([(path[1:], one) for path, one in named.items()])
    return replace(made, label=label)
