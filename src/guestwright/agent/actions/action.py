"""What all actions have in common.

Theory of operation: an action watches paths and, after any change there, *attends*: it looks at what the
store holds now and acts on that. Watches fire spuriously and at every new connection, so an action acts on
exact values only. While it attends it is not called again; what changes meanwhile is looked at afterwards.
"""

from __future__ import annotations

from guestwright.agent.channel.errors import Lost, StoreError
from guestwright.agent.tasks import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from guestwright.agent.channel.session import Session
    from guestwright.agent.config import Config
    from guestwright.agent.log import Log
    from guestwright.agent.loop import Loop

ALLOWED: Final = "1"
DISABLED: Final = "disabled in the guest"


class Context:
    """What actions work with.

    Attributes:
        loop: runs everything.
        session: the store.
        config: what the owner allows.
        log: for people.
        changed: to be called when offers or facts have changed.
        on_xen: whether the kernel serves some of the control keys itself.
        root: of the file system; another one in tests.
        frozen: why nothing may be written to file systems now; "" if it may.
    """

    def __init__(
        self,
        loop: Loop,
        session: Session,
        config: Config,
        log: Log,
        *,
        changed: Callable[[], object] = lambda: None,
        on_xen: bool = False,
        root: str = "/",
    ) -> None:
        self.loop = loop
        self.session = session
        self.config = config
        self.log = log
        self.changed = changed
        self.on_xen = on_xen
        self.root = root
        self.frozen = ""

    def freeze(self, why: str) -> None:
        """File systems are frozen, or ("") not any more."""
        self.frozen = why
        self.log.hold(on=bool(why))

    def path(self, path: str) -> str:
        """Where an absolute path of the guest is."""
        return self.root.rstrip("/") + path


class Action:
    """Something that the host may ask for.

    Args:
        context: see `Context`.

    Attributes:
        switch: its name in the configuration.
        features: the names that the host knows it by; several where there were several before.
        paths: what it watches.
    """

    switch = ""
    features: tuple[str, ...] = ()
    paths: tuple[bytes, ...] = ()

    def __init__(self, context: Context) -> None:
        self.context = context
        self.session = context.session

    @property
    def allowed(self) -> bool:
        """Whether the owner allows it."""
        return self.context.config.allows(self.switch)

    def unavailable(self) -> str:
        """Why this guest cannot do it; "" if it can."""
        return ""

    def offers(self) -> dict[str, str]:
        """What to tell the host: for each feature `ALLOWED` or the reason."""
        state = (ALLOWED if self.allowed else DISABLED) if not self.unavailable() else self.unavailable()
        return dict.fromkeys(self.features, state)

    def refusal(self) -> str:
        """Why a request is refused now; "" if it is not."""
        return "" if self.offers().get(self.features[0]) == ALLOWED else self.offers()[self.features[0]]

    async def attend(self) -> None:
        """Look at the store and do what is asked for."""

    def started(self) -> None:
        """The connection has come up."""

    def close(self) -> None:
        """The agent ends."""


class Attendant:
    """Has one action attend after each change, one at a time.

    Args:
        action: it.
    """

    def __init__(self, action: Action) -> None:
        self._action = action
        self._again = False
        self._busy = False
        for path in action.paths:
            action.session.watch(path, self.heard)

    def heard(self, path: bytes) -> None:
        """Something has changed."""
        del path
        self._again = True
        if not self._busy:
            self._busy = True
            Task(self._work(), self._ended)

    async def _work(self) -> None:
        while self._again:
            self._again = False
            await self._action.attend()

    def _ended(self, error: BaseException | None) -> None:
        self._busy = False
        if error is None or isinstance(error, Lost):
            return  # with the next connection all watches fire
        name = type(self._action).__name__
        what = error.errno if isinstance(error, StoreError) else f"{type(error).__name__}: {error}"
        self._action.context.log.say(f"{name}: {what}", 3)
