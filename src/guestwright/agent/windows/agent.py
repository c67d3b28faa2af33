"""All parts of the agent on Windows, put together as `guestwright.agent.main` does it elsewhere."""

from __future__ import annotations

from guestwright.agent.actions.action import Context
from guestwright.agent.channel.session import Session
from guestwright.agent.config import load
from guestwright.agent.connected import Connected
from guestwright.agent.publisher import Publisher
from guestwright.agent.told import Told
from guestwright.agent.windows.actions.registry import registry
from guestwright.agent.windows.find import XEN, opener
from guestwright.agent.windows.sources import WindowsSources
from guestwright.base.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guestwright.agent.core.facts import Facts
    from guestwright.agent.log import Log
    from guestwright.agent.windows.waiting import WindowsLoop


class WindowsAgent(Connected):
    """All parts of the agent.

    Args:
        loop: runs it.
        found: the channel, as `find` says.
        config: path of the configuration.
        home: directory of the guest in the store, for channels that do not know whose they are.
        log: for people.
        architecture: of the machine.
    """

    def __init__(
        self,
        loop: WindowsLoop,
        *,
        found: tuple[str, str],
        config: str,
        home: str,
        log: Log,
        architecture: str,
    ) -> None:
        self.loop = loop
        self.log = log
        self.config = load(config)
        log.keep(self.config.text("exec", "audit"))
        if self.config.error:
            log.say(f"nothing is offered to the host: {self.config.error}", 3)
        self.session = Session(
            loop,
            opener(loop, found),
            home=f"{home.rstrip('/')}/".encode() if home else b"",
            on_up=self._up,
            on_down=self._down,
        )
        context = Context(loop, self.session, self.config, log, changed=self.changed, on_xen=found[0] == XEN)
        self.registry = registry(context)
        self.told = Told(self.session, self.changed)
        self.sources = WindowsSources(loop, architecture)
        self.publisher = Publisher(
            loop, self.session, log, facts=self._facts, offers=self.registry.offers, told=self.told.values
        )
        self._channel = found[0]
        self.listen()

    def start(self) -> None:
        """Begin."""
        self.sources.start(self.changed)
        self.session.start()

    def close(self) -> None:
        """Let go of everything."""
        self.registry.close()
        self.session.close()
        self.sources.close()

    def _facts(self) -> Facts:
        return replace(self.sources.snapshot(), channel=self._channel, boot="up")
