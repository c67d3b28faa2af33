"""The body of a request that gives a domain a payload, and the checked payload made of it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from guestwright.host.media.model import Persistence, Scrub
from guestwright.http_api.errors import BadRequest
from guestwright.media.sources import configdrive, files, ignition, nocloud, unattend
from guestwright.media.sources.model import Form, Input, Payload

_FILES_MAX: Final = 1000
_NOCLOUD: Final = {
    "user-data": "user_data",
    "meta-data": "meta_data",
    "network-config": "network_config",
    "vendor-data": "vendor_data",
}


class PayloadBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What goes on the medium.

    Attributes:
        form: who reads it.
        files: names from the root of the medium to contents, Base64. Of "nocloud": user-data, and perhaps
            meta-data, network-config, vendor-data; of "unattend" and "ignition" the one file.
        wanted: as a CD or a floppy.
        scrub: when its secrets go; decided by who reads it without it.
        label: of the volume, for "files" only.
        hostname: for "nocloud" without meta-data.
        instance_id: likewise.
    """

    form: Form
    files: dict[Annotated[str, msgspec.Meta(max_length=255)], bytes]
    wanted: Literal["cd", "floppy"] = "cd"
    scrub: Scrub | None = None
    label: Annotated[str, msgspec.Meta(max_length=32)] = ""
    hostname: Annotated[str, msgspec.Meta(max_length=253)] = ""
    instance_id: Annotated[str, msgspec.Meta(max_length=128)] = ""


def payload_of(body: PayloadBody) -> Payload:
    """The payload, checked by the rules of who reads it.

    Raises:
        BadPayload: who reads it would refuse it.
        BadRequest: the files are not those of the form.
    """
    if len(body.files) > _FILES_MAX:
        raise _wrong(f"more than {_FILES_MAX} files")
    given = {name: Input(name=name, data=data) for name, data in body.files.items()}
    if body.form is Form.FILES:
        return files.build(list(given.items()), label=body.label or files.DEFAULT_LABEL)
    if body.form is Form.CONFIGDRIVE:
        return configdrive.build(list(given.items()))
    if body.form is Form.NOCLOUD:
        return _nocloud(body, given)
    if len(given) != 1:
        raise _wrong(f"{body.form} takes one file")
    (only,) = given.values()
    return unattend.build(only) if body.form is Form.UNATTEND else ignition.build(only)


def persistence_of(text: str) -> Persistence:
    """For which runs a payload is, as a path says it.

    Raises:
        BadRequest: it says nothing of the kind.
    """
    try:
        return Persistence(text)
    except ValueError:
        expected = ", ".join(Persistence)
        problem = f"{text[:40]} is none of {expected}"
        raise BadRequest(what="path", operation="payloads", problem=problem) from None


def _nocloud(body: PayloadBody, given: dict[str, Input]) -> Payload:
    strange = given.keys() - _NOCLOUD.keys()
    if strange or "user-data" not in given:
        raise _wrong(f"nocloud takes user-data and perhaps {', '.join(list(_NOCLOUD)[1:])}")
    inputs = {_NOCLOUD[name]: one for name, one in given.items()}
    user_data = inputs.pop("user_data")
    return nocloud.build(
        user_data=user_data,
        meta_data=inputs.get("meta_data"),
        network_config=inputs.get("network_config"),
        vendor_data=inputs.get("vendor_data"),
        instance_id=body.instance_id,
        hostname=body.hostname,
    )


def _wrong(problem: str) -> BadRequest:
    return BadRequest(what="body", operation="payload-define", problem=problem)
