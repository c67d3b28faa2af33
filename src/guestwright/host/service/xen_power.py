"""What a guest on Xen was asked for by `control/shutdown`, and whether it has taken note of it.

Theory of operation: the toolstack writes the key; the guest's kernel acknowledges by emptying it, before it
does anything. A request that nobody takes note of is taken back, or a guest that hangs, or that has no driver
yet, would go down at some later time.

Source: Xen's docs/misc/xenstore-paths.pandoc, "~/control/shutdown"; Linux, drivers/xen/manage.c.
"""

from __future__ import annotations

from typing import Final

from guestwright.host.service.errors import PowerUnanswered
from guestwright.host.service.port import PowerAction
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.errors import NoSuchPath, TimedOut

ASKED: Final = frozenset((PowerAction.SHUTDOWN, PowerAction.REBOOT))
PATIENCE: Final = 30.0  # seconds; a guest's kernel takes note within milliseconds


def acknowledged(
    store: Client, domid: int, uuid: str, action: PowerAction, patience: float = PATIENCE
) -> None:
    """Wait until a guest has taken note.

    Args:
        store: client with the host's rights.
        domid: of the guest; one that has gone meanwhile has done what it was asked for.
        uuid: of its domain, for the error.
        action: one of `ASKED`, which the toolstack has asked for.
        patience: seconds.

    Raises:
        PowerUnanswered: it has not; the request is taken back.
        XenstoreError: the store does not answer.
    """
    path = f"/local/domain/{domid}/control/shutdown"
    try:
        store.wait_until(path, lambda value: not value, patience)
    except TimedOut as error:
        try:
            with store.transaction() as inside:
                if inside.get(path):
                    inside.write(path, "")
        except NoSuchPath:
            return
        raise PowerUnanswered(action=action, domain=uuid, seconds=f"{patience:g}") from error
