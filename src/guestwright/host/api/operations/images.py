"""Images for drives: what lies in a storage domain, and nothing else, ever gets to a guest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from guestwright.host.volumes.domain import Domain as Storage
from guestwright.host.volumes.errors import NoSuchDomain, NoSuchVolume, WrongState
from guestwright.host.volumes.metadata import Format
from guestwright.host.volumes.rules import must_be_legal

IMAGE_ERRORS: Final = (NoSuchDomain, NoSuchVolume, WrongState)


class ForceQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How to take a medium out.

    Attributes:
        force: even though the guest keeps the drive locked.
    """

    force: bool = False


class MediumBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A raw image that lies in a storage domain.

    Attributes:
        storage: name of the storage domain.
        volume: of the image.
        change: whether it may take the place of another medium.
        force: even though the guest keeps the drive locked.
    """

    storage: Annotated[str, msgspec.Meta(max_length=100)]
    volume: Annotated[str, msgspec.Meta(max_length=100)]
    change: bool = False
    force: bool = False


def image_path(storages: Mapping[str, Storage], body: MediumBody) -> str:
    """Path of an image that is fit for use.

    Raises:
        NoSuchDomain, NoSuchVolume, WrongState, VolumeError: there is none.
    """
    storage = storages.get(body.storage)
    if storage is None:
        raise NoSuchDomain(domain=body.storage)
    volume = storage.read(body.volume)
    must_be_legal(volume)
    if volume.format is not Format.RAW:
        raise WrongState(volume=volume.id, state=volume.format, problem="a medium is a raw image")
    os.close(storage.open_data(volume))  # refuses what is no file
    return storage.data_path(volume)
