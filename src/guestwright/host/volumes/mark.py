"""Verb: have a volume stand as somebody wants it, whatever its generation; nothing happens if it does."""

from __future__ import annotations

from contextlib import nullcontext

from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.metadata import Metadata
from guestwright.host.volumes.rules import Standing, stand
from guestwright.host.volumes.source import unused


def mark(domain: Domain, volume: str, standing: Standing) -> Metadata:
    """Make a volume illegal, legal or shared, in one atomic write.

    What was made to be sealed becomes legal or shared only after it was.

    Args:
        domain: where it is.
        volume: its id.
        standing: how it shall stand.

    Returns:
        The volume as it is now.

    Raises:
        WrongState, VolumeHeld, HasChildren, BadVolume, NoSuchVolume: nothing was changed.
        ImageInUse: a machine runs on what is to be shared.
    """
    with domain.changing():
        before = domain.read(volume)
        after = stand(before, standing)
        if after == before:
            return before
        if standing is Standing.ILLEGAL:
            domain.check_childless(volume)
        with unused(domain, before) if after.kind is not before.kind else nullcontext():
            domain.write(after)
    return after
