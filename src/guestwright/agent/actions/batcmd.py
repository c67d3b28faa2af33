"""The older way to run a script: `control/batcmd`, at most 1 KiB of script and of each output.

Theory of operation: the host writes `script` and `state` = READY in one transaction; the guest says IN
PROGRESS, runs it, and answers with `return`, `stdout`, `stderr` and SUCCESS, TRUNCATED or FAILURE, in a
transaction too. A refusal is a FAILURE that says why in `stderr`.

Source: win-xenguestagent, XenGuestLib/... (feature-xs-batcmd); xen-api,
scripts/plugins/guest-agent-operation.
"""

from __future__ import annotations

from guestwright.agent.actions.action import Action
from guestwright.agent.channel.transaction import transact
from guestwright.agent.children import run_apart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_STATE: Final = b"control/batcmd/state"
_SCRIPT: Final = b"control/batcmd/script"
_BASE: Final = b"control/batcmd/"
_LIMIT: Final = 1024
TIME_MAX: Final = 86400.0  # seconds; xenopsd waits as long


class Batcmd(Action):
    """Run a script with the system's shell."""

    switch = "batcmd"
    features = ("xs-batcmd",)
    paths = (_STATE,)

    async def attend(self) -> None:
        """Run what is ready."""
        session = self.session
        if await session.get(_STATE) != b"READY":
            return
        script = await session.get(_SCRIPT) or b""
        if self.refusal() or self.context.frozen:
            why = self.refusal() or self.context.frozen
            self.context.log.audit(f"batcmd refused ({why}): {script.decode('utf-8', 'replace')}")
            await self._answer(b"FAILURE", b"1", b"", why.encode())
            return
        await transact(session, lambda number: [session.write(_STATE, b"IN PROGRESS", number)])
        self.context.log.audit(f"batcmd: {script.decode('utf-8', 'replace')}")
        try:
            status, out, err = await self._run(script.decode("utf-8", "surrogateescape"))
        except (OSError, ValueError) as error:
            await self._answer(b"FAILURE", b"1", b"", str(error).encode())
            return
        truncated = len(out) > _LIMIT or len(err) > _LIMIT
        await self._answer(b"TRUNCATED" if truncated else b"SUCCESS", b"%d" % status, out, err)

    async def _run(self, script: str) -> tuple[int, bytes, bytes]:
        """Exit status, output and errors of a script."""
        return await run_apart(self.context.loop, ["/bin/sh", "-c", script], seconds=TIME_MAX)

    async def _answer(self, state: bytes, status: bytes, out: bytes, err: bytes) -> None:
        session = self.session
        values = (
            (b"return", status),
            (b"stdout", out[:_LIMIT]),
            (b"stderr", err[:_LIMIT]),
            (b"state", state),
        )
        await transact(
            session, lambda number: [session.write(_BASE + key, value, number) for key, value in values]
        )
