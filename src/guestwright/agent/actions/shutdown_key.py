"""What the host wishes by `control/shutdown`, whatever the system then does about it.

Theory of operation: the key is acknowledged by emptying it, in a transaction and only for what is known here,
and then the system is asked. Where somebody else does that, nothing is watched or offered.

Source: Xen's docs/misc/xenstore-paths.pandoc, "~/control/shutdown".
"""

from __future__ import annotations

from guestwright.agent.actions.action import Action
from guestwright.agent.channel.transaction import transact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from guestwright.agent.actions.action import Context

_KEY: Final = b"control/shutdown"


class ShutdownKey(Action):
    """Some of the key's values; who inherits says which, and acts.

    Attributes:
        wishes: the values.
    """

    wishes: tuple[bytes, ...] = ()
    paths: tuple[bytes, ...] = (_KEY,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._elsewhere = self.elsewhere()
        if self._elsewhere:
            self.paths = ()

    def elsewhere(self) -> str:
        """Who else does it; "" for nobody."""
        return ""

    def unavailable(self) -> str:
        """Who else does it."""
        return self._elsewhere

    async def act(self, wish: bytes) -> None:
        """Do it.

        Raises:
            OSError: it cannot be done.
        """
        raise NotImplementedError

    async def attend(self) -> None:
        """Do what the key says."""
        wish = await self.session.get(_KEY)
        if wish is None or wish not in self.wishes:
            return
        name = wish.decode()
        if self.refusal():
            self.context.log.audit(f"{name} refused: {self.refusal()}")
            return
        await transact(self.session, lambda number: [self.session.write(_KEY, b"", number)])
        self.context.log.audit(f"{name} at the host's request")
        try:
            await self.act(wish)
        except OSError as error:
            self.context.log.say(f"cannot {name}: {error.strerror or error}", 3)
