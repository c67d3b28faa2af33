"""What an answer means: the call's result, or the engine's error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from guestwright.client.address import Server
from guestwright.client.call import Answer, Call, Request
from guestwright.client.errors import EngineAnswerBad, EngineRefused

T = TypeVar("T")
_AFTER_MAX: Final = 3600.0


def meaning(call: Call[T], server: Server, request: Request, answer: Answer) -> T:
    """The result of a call.

    Raises:
        EngineRefused: the engine does not do it.
        EngineAnswerBad: no engine answers like this.
    """
    if answer.status >= 400:
        raise refusal(server, request, answer)
    if not 200 <= answer.status < 300:
        raise _bad(server, request, f"HTTP {answer.status}; redirects are not followed")
    try:
        if call.raw:
            return call.read(answer.body)
        return call.read(json.loads(answer.body) if answer.body else None)
    except (ValueError, RecursionError) as error:
        raise _bad(server, request, f"no JSON ({_kind(answer.headers)})") from error
    except (TypeError, KeyError, AttributeError) as error:
        raise _bad(server, request, f"{type(error).__name__}: {error}"[:200]) from error


def refusal(server: Server, request: Request, answer: Answer) -> EngineRefused | EngineAnswerBad:
    """The error of an answer of 4xx or 5xx: the engine's own, or that it is no engine's."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("code"), str):
        return _bad(server, request, f"HTTP {answer.status}, {_kind(answer.headers)}")
    return EngineRefused.of(answer.status, found, _after(answer.headers))


def _kind(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "of no stated type")[:80]


def _after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after", "")
    return min(float(text), _AFTER_MAX) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _bad(server: Server, request: Request, problem: str) -> EngineAnswerBad:
    return EngineAnswerBad(server=str(server), request=str(request), problem=problem)


def parsed(text: str) -> Any:
    """JSON of an event.

    Raises:
        ValueError: it is none.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
