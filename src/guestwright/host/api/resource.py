"""One path of the API: who may, what is asked, do it in a thread, answer, write it down.

Theory of operation: operations wait (for the hypervisor, for files), so each runs in a thread of a bounded
pool; the event loop only moves bytes. A request that takes too long gets its answer and its thread goes on:
nothing is torn away half-way. Every refusal is an error of the error base; what is not is a mistake of ours,
which is logged under the number of the request and told without details.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from guestwright.base.errors import GuestwrightError
from guestwright.base.ids import new_run_id
from guestwright.host.api.audit import Entry, audit
from guestwright.host.api.callers import Caller, Certified, Local
from guestwright.host.api.endpoint import Call, Endpoint
from guestwright.host.api.errors import RoleTooLow
from guestwright.host.api.replies import refusal, reply
from guestwright.host.api.tally import Tally
from guestwright.http_api.errors import Broken, NoSuchMethod
from guestwright.http_api.intake import read_body, read_query
from guestwright.http_api.workers import Workers

RECHECK: Final = 5.0  # seconds
_CLIENT_GONE: Final = 499  # what other servers note down when the caller went away before the answer
_LOG: Final = logging.getLogger(__name__)

Identify = Callable[[Scope], Caller]


class Resource:
    """An ASGI application for one path.

    Args:
        endpoints: method to operation.
        identify: who calls; raises `Forbidden`.
        workers: threads.
        tally: counters.
    """

    def __init__(
        self, endpoints: Mapping[str, Endpoint], identify: Identify, workers: Workers, tally: Tally
    ) -> None:
        self._endpoints = endpoints
        self._identify = identify
        self._workers = workers
        self._tally = tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        number = new_run_id(time.time(), os.urandom(10))
        started = time.monotonic()
        method = "GET" if request.method == "HEAD" else request.method
        endpoint = self._endpoints.get(method)
        seen: dict[str, Any] = {"status": _CLIENT_GONE, "code": "", "caller": None}
        checked = started

        async def watched(message: Message) -> None:
            nonlocal checked
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
            elif (
                time.monotonic() - checked > RECHECK
            ):  # a long answer: whoever gets it may be revoked meanwhile
                checked = time.monotonic()
                self._identify(scope)
            await send(message)

        try:
            response = await self._answer(request, endpoint, number, seen)
            response.headers["X-Request-Id"] = number
            await response(scope, receive, watched)
        except ClientDisconnect:
            _LOG.debug("request %s: the caller has gone", number)
        except GuestwrightError as error:
            seen["code"] = error.code
            if seen["status"] == _CLIENT_GONE:  # nothing was sent; otherwise uvicorn closes the connection
                response = refusal(error)
                response.headers["X-Request-Id"] = number
                await response(scope, receive, watched)
        finally:
            took = time.monotonic() - started
            name = endpoint.name if endpoint is not None else "none"
            self._tally.answered(name, seen["status"], took)
            if endpoint is None or endpoint.changes or seen["status"] >= 400:
                audit(_entry(seen, name, number, scope, took))

    async def _answer(
        self, request: Request, endpoint: Endpoint | None, number: str, seen: dict[str, Any]
    ) -> Response:
        try:
            seen["caller"] = caller = self._identify(request.scope)
            return await self._do(request, self._permitted(request, endpoint, caller), caller, number)
        except GuestwrightError as error:
            seen["code"] = error.code
            return refusal(error)
        except ClientDisconnect:
            raise
        except Exception:  # noqa: BLE001 - the boundary of a request: whatever it is, the others go on
            _LOG.exception("request %s failed on a mistake of this program", number)
            seen["code"] = Broken.code
            return refusal(Broken(request=number))

    def _permitted(self, request: Request, endpoint: Endpoint | None, caller: Caller) -> Endpoint:
        if endpoint is None:
            allowed = ", ".join(sorted(self._endpoints))
            raise NoSuchMethod(method=request.method[:20], path=request.url.path[:200], allowed=allowed)
        if not caller.role.covers(endpoint.role):
            who = {"caller": str(caller), "role": caller.role}
            raise RoleTooLow(operation=endpoint.name, needed=endpoint.role, **who)
        return endpoint

    async def _do(self, request: Request, endpoint: Endpoint, caller: Caller, number: str) -> Response:
        query = read_query(request, endpoint)
        body = None if endpoint.streams else await read_body(request, endpoint)
        path = {name: str(value) for name, value in request.path_params.items()}
        call = Call(caller=caller, path=path, query=query, body=body, request=number, headers=request.headers)
        value = await self._workers.run(partial(endpoint.handle, call), endpoint.name, endpoint.seconds)
        return value if isinstance(value, Response) else reply(value, endpoint.status)


def _entry(seen: Mapping[str, Any], name: str, number: str, scope: Scope, took: float) -> Entry:
    caller: Caller | None = seen["caller"]
    peer = caller.peer if caller is not None else scope.get("state", {}).get("peer")
    return Entry(
        request=number,
        caller=str(peer or "?"),
        role="" if caller is None else caller.role,
        pid=peer.pid if isinstance(peer, Local) else 0,
        serial=peer.serial if isinstance(peer, Certified) else "",
        operation=name,
        subject=" ".join(str(one) for one in scope.get("path_params", {}).values()),
        status=seen["status"],
        code=seen["code"],
        milliseconds=int(took * 1000),
    )
