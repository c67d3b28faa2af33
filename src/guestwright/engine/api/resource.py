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
from guestwright.engine.accounts.errors import AccountError
from guestwright.engine.api import headers
from guestwright.engine.api.desk import Desk, remote_of
from guestwright.engine.api.endpoint import Call, Endpoint, Later
from guestwright.engine.api.problems import answer, refusal
from guestwright.engine.api.streaming import Incoming, Outgoing, Run, taken
from guestwright.engine.inventory.choices import Outcome
from guestwright.http_api.errors import Broken, NoSuchMethod
from guestwright.http_api.intake import read_body, read_query

_LOG: Final = logging.getLogger(__name__)
_PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8)


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
            if isinstance(value, Incoming):
                value = await taken(request, value, self._running(endpoint))
        except GuestwrightError as error:
            await self._refused(endpoint, call, error)
            raise
        if isinstance(value, Outgoing):
            value.run = self._running(endpoint)
        if isinstance(value, Response):
            return value
        if endpoint.changes and not endpoint.audited:
            await self._desk.note(endpoint, call, Outcome.DONE, {})
        return headers.unless_known(request.headers, answer(value, endpoint))

    async def _done(self, endpoint: Endpoint, call: Call) -> Any:
        seconds = endpoint.wait(call) if endpoint.wait is not None else 0.0
        end, looks = time.monotonic() + seconds, 0
        while True:
            kept = call.key and endpoint.kept
            do = partial(self._desk.answers.once, endpoint, call) if kept else partial(endpoint.handle, call)
            value = await self._desk.run(endpoint.pool, do, endpoint.name, endpoint.seconds)
            left = end - time.monotonic()
            if not isinstance(value, Later):
                return value
            if left <= 0:
                return value.value
            await asyncio.sleep(min(left, _PAUSES[min(looks, len(_PAUSES) - 1)]))
            looks += 1

    def _running(self, endpoint: Endpoint) -> Run:
        """Does parts of an operation in its threads."""
        return lambda do: self._desk.run(endpoint.pool, do, endpoint.name, endpoint.seconds)

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
        body=None if endpoint.streams else await read_body(request, endpoint),
        key=key,
        match=match,
        headers=request.headers,
    )
