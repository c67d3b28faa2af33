"""What a killed service has left of its syspreps: images in drives and on the host, keys in the store.

To be called once when the service starts, after the hypervisor and the store are reached, and before the
first sysprep. One thing that cannot be cleaned does not keep the rest from being cleaned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import record
from guestwright.host.sysprep.conversation import retract
from guestwright.host.sysprep.medium import destroy, leftovers
from guestwright.xenstore.client.client import Client


@record
class Swept:
    """What was found.

    Attributes:
        images: how many are gone.
        problems: what could not be cleaned, for people; nothing of it holds answers unless it says so.
    """

    images: int
    problems: tuple[str, ...]


def sweep(store: Client, domids: Iterable[int], directory: str, eject: Callable[[str], None]) -> Swept:
    """Clean up.

    Args:
        store: client with the host's rights.
        domids: of the domains that run.
        directory: of the images.
        eject: takes an image out of whichever drives have it, by force.
    """
    problems: list[str] = []
    gone = 0
    for domid in domids:
        _attempt(lambda domid=domid: retract(store, domid), problems)  # type: ignore[misc]  # bound at once
    found: list[str] = []
    _attempt(lambda: found.extend(leftovers(directory)), problems)
    for path in found:
        _attempt(lambda path=path: eject(path), problems)  # type: ignore[misc]  # bound at once
        gone += _attempt(lambda path=path: destroy(path), problems)  # type: ignore[misc]  # bound at once
    return Swept(images=gone, problems=tuple(problems))


def _attempt(work: Callable[[], None], problems: list[str]) -> bool:
    try:
        work()
    except GuestwrightError as error:
        problems.append(error.message)
        return False
    return True
