"""The agent: `python3 -m guestwright.agent [--socket PATH] [--config FILE] [--root DIR] [--home PATH]`.

Theory of operation: collectors (`Sources`) say when facts may have changed, the `Publisher` writes what
has, the `Registry` of actions does what the host asks for; all of them run in one loop over one session.
Where there is no channel to a host, the agent ends at once, in silence and without an error.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # no stubs; `signal` would cost a megabyte
import gc
import os
import sys

from guestwright.agent.actions.action import Context
from guestwright.agent.actions.registry import registry
from guestwright.agent.channel.find import find, opened
from guestwright.agent.channel.session import Session
from guestwright.agent.config import PATH, load
from guestwright.agent.connected import Connected
from guestwright.agent.log import Log
from guestwright.agent.loop import Loop
from guestwright.agent.publisher import Publisher
from guestwright.agent.sources import sources
from guestwright.agent.state import State
from guestwright.agent.told import Told
from guestwright.base.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from guestwright.agent.core.facts import Facts

_USAGE: Final = (
    "usage: guestwright-agent [--socket PATH] [--config FILE] [--root DIR] [--home PATH]\n"
    "       guestwright-agent clipboard [SOCKET]"
)
_CHANNELS: Final = {"xenbus": "xen", "virtio-serial": "virtio"}


class Agent(Connected):
    """All parts of the agent.

    Args:
        loop: runs it.
        path: of the channel; "" to look for one.
        config: path of the configuration.
        root: of the file system.
        home: directory of the guest in the store, for channels that do not know whose they are.
        log: for people.
    """

    def __init__(self, loop: Loop, *, path: str, config: str, root: str, home: str, log: Log) -> None:
        self.loop = loop
        self.log = log
        found = find(path, root)
        self.config = load(config)
        log.keep(self.config.text("exec", "audit"))
        if self.config.error:
            log.say(f"nothing is offered to the host: {self.config.error}", 3)
        self.session = Session(
            loop,
            lambda: opened(path, root),
            home=f"{home.rstrip('/')}/".encode() if home else b"",
            on_up=self._up,
            on_down=self._down,
        )
        on_xen = found is not None and found[0].name == "xenbus"
        context = Context(
            loop, self.session, self.config, log, changed=self.changed, on_xen=on_xen, root=root
        )
        self.registry = registry(context)
        self.state = State(context)
        self.told = Told(self.session, self.changed)
        self.sources = sources(root, self.config.number("facts", "period"))
        self.publisher = Publisher(
            loop,
            self.session,
            log,
            facts=self._facts,
            offers=self._offers,
            told=self.told.values,
            settled=self._settled,
        )
        self._channel = found[0].name if found is not None else ""
        self._offered: dict[str, str] | None = None
        self._services = tuple(self.config.services) if self.config.allows("exec") else ()
        self.listen()

    def start(self) -> None:
        """Begin."""
        self.sources.start(self.loop, self._noticed)
        self.state.start()
        self.session.start()

    def changed(self) -> None:
        """Facts or offers may have changed."""
        self._offered = None
        super().changed()

    def close(self) -> None:
        """Let go of everything."""
        self.registry.close()
        self.session.close()
        self.sources.close()

    def _noticed(self, *, urgent: bool = False) -> None:
        """Facts have changed."""
        if urgent:
            self.publisher.urgent()
        else:
            self.changed()

    def _offers(self) -> dict[str, str]:
        """What the actions offer; an address is no reason to look what programs the guest has."""
        if self._offered is None:
            self._offered = self.registry.offers()
        return self._offered

    def _settled(self) -> None:
        """All is written for the first time: what is there now stays, and is not searched for garbage."""
        gc.collect()
        gc.freeze()

    def _facts(self) -> Facts:
        return replace(
            self.sources.snapshot(),
            channel=_CHANNELS.get(self._channel, "unix"),
            boot=self.state.boot,
            balloon=self.state.balloon,
            services=self._services,
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["clipboard"]:
        from guestwright.agent import clipboard_helper  # noqa: PLC0415  # for sessions only

        return clipboard_helper.main(*words[1:2])
    options = {"--socket": "", "--config": PATH, "--root": "/", "--home": ""}
    while words:
        name, equals, value = words.pop(0).partition("=")
        if name not in options or not (equals or words):
            os.write(2, f"{_USAGE}\n".encode())
            return 0 if name in {"-h", "--help"} else 2
        options[name] = value if equals else words.pop(0)
    log = Log()
    if find(options["--socket"], options["--root"]) is None:
        return 0
    loop = Loop()
    agent = Agent(
        loop,
        path=options["--socket"],
        config=options["--config"],
        root=options["--root"],
        home=options["--home"],
        log=log,
    )
    for number in (_signal.SIGTERM, _signal.SIGINT):
        loop.on_signal(number, agent.stop)
    loop.on_signal(_signal.SIGUSR1, lambda: log.say(f"{loop.wakeups} wake-ups"))
    agent.start()
    loop.run()
    agent.close()
    loop.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
