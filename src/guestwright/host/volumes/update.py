"""Verb: change the attributes of a volume, if it is as the caller has seen it."""

from __future__ import annotations

from contextlib import nullcontext

from guestwright.host.volumes import rules
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.metadata import Metadata
from guestwright.host.volumes.rules import Update
from guestwright.host.volumes.source import unused


def update(domain: Domain, volume: str, generation: int, wanted: Update) -> Metadata:
    """Change legality, kind, description or generation in one atomic write.

    Args:
        domain: where it is.
        volume: its id.
        generation: which the caller has seen.
        wanted: see `rules.Update`.

    Returns:
        The volume as it is now.

    Raises:
        GenerationMismatch, WrongState, VolumeHeld, HasChildren, BadVolume, NoSuchVolume: nothing was changed.
        ImageInUse: a machine runs on what is to be shared.
    """
    with domain.changing():
        before = domain.read(volume)
        after = rules.update(before, generation, wanted)
        if wanted.legal is False:
            domain.check_childless(volume)
        with unused(domain, before) if wanted.shared else nullcontext():
            domain.write(after)
    return after
