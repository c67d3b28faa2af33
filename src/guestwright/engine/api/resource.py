"""One path of the API: who calls, may they, what is asked, do it in a thread, answer, write it down.

Theory of operation: an operation blocks (for the database, for a host), so each runs in a thread of a bounded
pool; the event loop only moves bytes. What is waited for, a job's end for instance, takes no thread
meanwhile: the operation is asked again and again, with a sleep of the loop between. Every refusal is an
error of the error base; what is not is a mistake of ours, logged under a number and told without details.
Who changed something, or was not allowed to, is a line in the audit log before the answer is sent.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from guestwright.base.errors import GuestwrightError
from guestwright.base.ids import new_run_id
from guestwright.base.secret import Secret
from guestwright.engine.accounts.errors import AccountError
from guestwright.engine.accounts.rights import Principal
from guestwright.engine.api import headers
from guestwright.engine.api.endpoint import Call, Endpoint, Later, Pool
from guestwright.engine.api.errors import NoToken
from guestwright.engine.api.parts import Parts
from guestwright.engine.api.problems import answer, refusal
from guestwright.engine.inventory.choices import Outcome
from guestwright.http_api.errors import Broken, NoSuchMethod
from guestwright.http_api.intake import read_body, read_query
from guestwright.http_api.workers import Workers

_LOG: Final = logging.getLogger(__name__)
_PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8)


class Desk:
    """What all paths share: the parts, and threads. Used by the event loop only.

    Args:
        parts: of the engine.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._pools = {
            Pool.DATABASE: Workers(16, 256, "api"),
            Pool.GUESTS: Workers(64, 64, "api-guests"),
            Pool.PASSWORDS: Workers(2, 16, "api-passwords"),
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


class Resource:
    """An ASGI application for one path.

    Args:
        endpoints: method to operation.
        desk: see there.
    """

    def __init__(self, endpoints: Mapping[str, Endpoint], desk: Desk) -> None:
        self._endpoints = endpoints
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        number = new_run_id(time.time(), os.urandom(10))
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            _LOG.debug("request %s: the caller has gone", number)
            return
        except GuestwrightError as error:
            response = refusal(error)
        except Exception:  # noqa: BLE001 - the boundary of a request: whatever it is, the others go on
            _LOG.exception("request %s failed on a mistake of this program", number)
            response = refusal(Broken(request=number))
        response.headers["X-Request-Id"] = number
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        endpoint = self._endpoints.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is None:
            allowed = ", ".join(sorted(self._endpoints))
            raise NoSuchMethod(method=request.method[:20], path=request.url.path[:200], allowed=allowed)
        by = None if endpoint.right is None else await self._desk.identify(request)
        path = {name: str(value) for name, value in request.path_params.items()}
        call = Call(by=by, remote=remote_of(request), path=path, query=None, body=None)
        try:
            if by is not None and endpoint.right is not None:
                by.require(endpoint.right)
            call = await _read(request, endpoint, call)
            value = await self._done(endpoint, call)
        except GuestwrightError as error:
            await self._refused(endpoint, call, error)
            raise
        if isinstance(value, Response):
            return value
        if endpoint.changes and not endpoint.audited:
            await self._desk.note(endpoint, call, Outcome.DONE, {})
        return headers.unless_known(request.headers, answer(value, endpoint))

    async def _done(self, endpoint: Endpoint, call: Call) -> Any:
        seconds = endpoint.wait(call) if endpoint.wait is not None else 0.0
        end, looks = time.monotonic() + seconds, 0
        while True:
            do = partial(endpoint.handle, call)
            value = await self._desk.run(endpoint.pool, do, endpoint.name, endpoint.seconds)
            left = end - time.monotonic()
            if not isinstance(value, Later):
                return value
            if left <= 0:
                return value.value
            await asyncio.sleep(min(left, _PAUSES[min(looks, len(_PAUSES) - 1)]))
            looks += 1

    async def _refused(self, endpoint: Endpoint, call: Call, error: GuestwrightError) -> None:
        """Write down that somebody may not, or that a change came to nothing."""
        denied = isinstance(error, AccountError) and int(error.http_status) == 403
        if denied or (endpoint.changes and not endpoint.audited):
            outcome = Outcome.DENIED if denied else Outcome.FAILED
            await self._desk.note(endpoint, call, outcome, {"code": error.code})


async def _read(request: Request, endpoint: Endpoint, call: Call) -> Call:
    key, match = headers.conditions(request.headers, endpoint)
    return Call(
        by=call.by,
        remote=call.remote,
        path=call.path,
        query=read_query(request, endpoint),
        body=await read_body(request, endpoint),
        key=key,
        match=match,
        headers=request.headers,
    )


def remote_of(request: Request) -> str:
    """Address of the caller; "" for a socket of this machine."""
    return "" if request.client is None else request.client.host
