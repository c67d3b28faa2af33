"""What keeps the inventory as the hosts are, by one engine of several."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from guestwright.engine.following.followers import Followers
from guestwright.engine.hosts.addresses import HostAddresses
from guestwright.engine.inventory.database import Database
from guestwright.engine.process.leading import Leading
from guestwright.engine.process.settings import Settings


def start_following(
    parts: ExitStack,
    settings: Settings,
    database: Database,
    addresses: HostAddresses,
    clock: Callable[[], float],
) -> Leading:
    """Follow hosts, as long as no other engine does.

    Args:
        parts: where the end of each part is noted.
        settings: of the engine.
        database: the inventory.
        addresses: of hosts.
        clock: seconds since 1970.

    Returns:
        Whether this engine is the one.
    """
    leads = Leading(database, settings)
    parts.callback(leads.stop)
    leads.start()
    followers = Followers(database, lambda host: addresses(host.id), clock=clock, leads=leads)
    parts.callback(followers.stop)
    followers.start()
    return leads
