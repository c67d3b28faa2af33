"""What all paths of the API share: the parts of the engine, threads, who calls, and the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.requests import Request

from guestwright.base.secret import Secret
from guestwright.engine.accounts.rights import Principal
from guestwright.engine.api import headers
from guestwright.engine.api.answers import Answers, Marks
from guestwright.engine.api.endpoint import Call, Endpoint, Pool
from guestwright.engine.api.errors import NoToken
from guestwright.engine.api.parts import Parts
from guestwright.engine.inventory.choices import Outcome
from guestwright.http_api.workers import Workers


class Desk:
    """What all paths share: the parts, and threads. Used by the event loop only.

    Args:
        parts: of the engine.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.answers = Answers(parts.database, _marks(parts))
        self._pools = {
            Pool.DATABASE: Workers(16, 256, "api"),
            Pool.GUESTS: Workers(64, 64, "api-guests"),
            Pool.PASSWORDS: Workers(2, 16, "api-passwords"),
            Pool.TRANSFERS: Workers(16, 64, "api-transfers"),
        }

    async def run(self, pool: Pool, do: Any, operation: str, seconds: float) -> Any:
        """Do something in a thread; raises as `Workers.run`."""
        return await self._pools[pool].run(do, operation, seconds)

    async def identify(self, request: Request) -> Principal:
        """Who calls.

        Raises:
            NoToken, TokenRefused, TooManyAttempts: nobody.
        """
        text = headers.bearer(request.headers)
        if text is None:
            raise NoToken
        accept = partial(self.parts.tokens.accept, Secret(text), remote_of(request))
        found: Principal = await self.run(Pool.DATABASE, accept, "identify", 60.0)
        return found

    async def note(self, endpoint: Endpoint, call: Call, outcome: Outcome, detail: Mapping[str, Any]) -> None:
        """Write a line into the audit log."""
        await self.run(Pool.DATABASE, partial(self._note, endpoint, call, outcome, detail), "audit", 60.0)

    def _note(self, endpoint: Endpoint, call: Call, outcome: Outcome, detail: Mapping[str, Any]) -> None:
        with self.parts.database.write() as tx:
            tx.audit.write(
                endpoint.name,
                actor="" if call.by is None else call.by.name,
                remote=call.remote,
                subject=" ".join(call.path.values()),
                outcome=outcome,
                detail=detail,
            )

    def close(self) -> None:
        """Start no more; what is under way goes on."""
        for one in self._pools.values():
            one.close()


def remote_of(request: Request) -> str:
    """Address of the caller; "" for a socket of this machine."""
    return "" if request.client is None else request.client.host


def _marks(parts: Parts) -> Marks:
    return lambda data: parts.payloads.marks(data)  # noqa: PLW0108 - a table of operations has no parts
