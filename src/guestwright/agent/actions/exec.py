"""Run commands and named services, read and write files, with streams of any length.

Theory of operation: see `exchange.streams` for how bytes travel. The host writes its word for a new call
and its request; the guest answers with its own word. A call ends when the host removes its word: the guest
then ends what still runs and removes its nodes. Calls that an earlier agent had accepted are marked as lost
at the start.

What may be run is the owner's business (`[exec]`, `[services.*]`, `[file]`); what is refused, and why, is
told to the host. Each request leaves a line in the log of the guest, refused or not.
"""

from __future__ import annotations

from guestwright.agent.actions.action import ALLOWED, DISABLED, Action
from guestwright.agent.actions.call import Call
from guestwright.agent.channel.errors import Lost
from guestwright.agent.exchange import streams
from guestwright.agent.tasks import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from guestwright.agent.actions.action import Context

_HOST: Final = f"{streams.ROOT}/host".encode()
_GUEST: Final = f"{streams.ROOT}/guest".encode()
_KNOWN_MAX: Final = 16  # calls, those included that are refused because there are too many


class Exec(Action):
    """Calls of all kinds.

    Attributes:
        kind: of a call.
    """

    switch = "exec"
    features = ("exec", "file")
    kind = Call

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._calls: dict[bytes, Call] = {}
        self._fresh = True
        self.session.watch(_HOST, self._heard)

    def offers(self) -> dict[str, str]:
        """Running and files have a switch each."""
        allows = self.context.config.allows
        return {name: ALLOWED if allows(name) else DISABLED for name in self.features}

    def started(self) -> None:
        """The connection has come up."""
        Task(self._begin(), self._ended)

    def close(self) -> None:
        """The agent ends, and with it what it runs."""
        for call in self._calls.values():
            call.kill()

    async def _begin(self) -> None:
        """Forget what an earlier agent left, or send again what may have been lost."""
        if self._fresh:
            live = set(await self.session.children(_HOST))
            for name in await self.session.children(_GUEST):
                if name in live and name not in self._calls:
                    await self.session.write(_GUEST + b"/" + name, streams.word(0, 0, streams.LOST))
                elif name not in live and streams.is_id(name):
                    await remove(self, name)
            self._fresh = False
        for call in list(self._calls.values()):
            call.again()
        await self._look_at_all()

    def _heard(self, path: bytes) -> None:
        name = path[len(_HOST) + 1 :]
        if not name:
            if not self._fresh:
                Task(self._look_at_all(), self._ended)
        elif streams.is_id(name):
            self._poke(name)

    async def _look_at_all(self) -> None:
        for name in (await self.session.children(_HOST))[:_KNOWN_MAX]:
            if streams.is_id(name):
                self._poke(name)

    def _poke(self, name: bytes) -> None:
        call = self._calls.get(name)
        if call is None and not self._fresh and len(self._calls) < _KNOWN_MAX:
            refusal = "" if len(self._calls) < streams.CALLS_MAX else "too many calls at a time"
            call = self._calls[name] = self.kind(self.context, name.decode(), refusal, self._over)
        if call is not None:
            call.look()

    def _over(self, call: Call) -> None:
        """The host wants to know no more of a call."""
        self._calls.pop(call.name.encode(), None)
        Task(remove(self, call.name.encode()), self._ended)

    def _ended(self, error: BaseException | None) -> None:
        if error is not None and not isinstance(error, Lost):
            self.context.log.say(f"exec: {type(error).__name__}: {error}", 3)


async def remove(action: Action, name: bytes) -> None:
    """Remove the guest's nodes of a call."""
    call = name.decode()
    for path in (streams.slots(call, "in"), streams.slots(call, "out"), streams.guest_word(call)):
        await action.session.discard(path.encode())
