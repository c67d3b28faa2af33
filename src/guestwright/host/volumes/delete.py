"""Verb: delete a volume that nobody uses."""

from __future__ import annotations

from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.errors import NoSuchVolume
from guestwright.host.volumes.rules import check_generation, must_be_free
from guestwright.host.volumes.source import unused


def delete(domain: Domain, volume: str, generation: int | None = None) -> bool:
    """Delete a volume, legal or illegal. On a full disk too: it needs no room.

    Args:
        domain: where it is.
        volume: its id.
        generation: which the caller has seen; None for any.

    Returns:
        Whether it was there; that it is gone already is no failure.

    Raises:
        VolumeHeld, HasChildren, GenerationMismatch, BadVolume: it was not deleted.
        ImageInUse: a machine runs on it, or somebody reads it.
    """
    with domain.changing():
        try:
            found = domain.read(volume)
        except NoSuchVolume:
            return False
        if generation is not None:
            check_generation(found, generation)
        must_be_free(found)
        domain.check_childless(volume)
        with unused(domain, found):
            domain.drop(volume)
    return True
