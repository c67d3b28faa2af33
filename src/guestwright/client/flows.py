"""Attempts, pages, names, and waiting for jobs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeVar

from guestwright.client.address import Server
from guestwright.client.call import Answer, Call, Json, Page
from guestwright.client.errors import (
    AmbiguousName,
    EngineAnswerBad,
    EngineBusy,
    EngineConflict,
    EngineFoundNothing,
    EngineLost,
    EngineUnreachable,
    NoSuchThing,
    RemoteJobFailed,
    WaitedTooLong,
)
from guestwright.client.kinds import Kind
from guestwright.client.meaning import meaning
from guestwright.client.steps import Ask, Flow, Give, Pause

T = TypeVar("T")
Progress = Callable[[Json], None]
ATTEMPTS: Final = 4
ENDED: Final = ("done", "compensated")
_PAUSES: Final = (0.2, 1.0, 3.0)  # seconds before the second, third and fourth attempt
_UNDER_WAY: Final = "api-key-under-way"  # an earlier attempt of this call goes on there
_PATIENCE: Final = 10.0  # seconds that an engine may ask for before the next attempt
_AWAY: Final = 300.0  # seconds that an engine may be away while a job is waited for
_LOOK: Final = 20  # seconds that the engine waits before it says that nothing is new
_PAGES_MAX: Final = 100_000
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def attempt(call: Call[T], server: Server, key: str) -> Flow[T]:
    """Do a call; what may be repeated is repeated when its answer is lost, or the engine says "not now".

    Args:
        call: what to do.
        server: where, for errors.
        key: idempotency key of this call.

    Raises:
        RemoteError: of the last attempt.
    """
    request = call.request(key)
    for number in range(ATTEMPTS):
        last = number == ATTEMPTS - 1 or not call.repeatable
        try:
            answer: Answer = yield Ask(request)
            return meaning(call, server, request, answer)
        except EngineLost:
            if last:
                raise
            pause = _PAUSES[number]
        except EngineBusy as error:
            pause = _PAUSES[min(number, 2)] if error.after is None else error.after
            if last or pause > _PATIENCE:
                raise
        except EngineConflict as error:
            if last or error.code != _UNDER_WAY:
                raise
            pause = _PAUSES[number]
        except EngineFoundNothing:
            if number and call.method == "DELETE":  # an earlier attempt has done it
                return call.read(None)
            raise
        yield Pause(pause)
    raise AssertionError("unreachable")


def pages(call: Call[Page], server: Server, most: int | None = None) -> Flow[None]:
    """Give the things of a list, page by page.

    Args:
        call: of the list.
        server: where, for errors.
        most: of things; None for all.

    Raises:
        EngineAnswerBad: the list does not end. And what `attempt` raises.
    """
    given, seen = 0, {""}
    for _ in range(_PAGES_MAX):
        found = yield from attempt(call, server, "")
        for one in found.items:
            if given == most:
                return
            given += 1
            yield Give(one)
        if not found.next or given == most:
            return
        if found.next in seen:
            break
        seen = {*seen, found.next} if len(seen) < 64 else {found.next}
        call = call.with_query(cursor=found.next)
    raise EngineAnswerBad(server=str(server), request="a list", problem="it goes round in circles")


def find(kind: Kind, name: str, server: Server) -> Flow[Json]:
    """The one thing of a name or an id.

    Args:
        kind: of things.
        name: name or id.
        server: where.

    Raises:
        NoSuchThing, AmbiguousName: it is not one. And what `attempt` raises.
    """
    if _ID.fullmatch(name) and not kind.plain:
        try:
            return (yield from attempt(kind.show(name), server, ""))
        except EngineFoundNothing:
            pass
    listed = yield from attempt(kind.all(filters=(f"name={name}",), limit=100), server, "")
    exact = [each for each in listed.items if each.get("id") == name]
    found = exact or [each for each in listed.items if each.get("name") == name]
    if not found:
        raise NoSuchThing(kind=kind.path.removesuffix("s"), name=name)
    if len(found) > 1:
        ids = ", ".join(str(each.get("id")) for each in found)
        raise AmbiguousName(kind=kind.path, name=name, count=len(found), ids=ids)
    return found[0]


def wait(
    look: Callable[[int], Call[Json]],
    server: Server,
    now: Callable[[], float],
    progress: Progress | None,
    seconds: float | None,
) -> Flow[Json]:
    """Wait for a job's end, also while the engine is restarted.

    Args:
        look: the call for the job, which waits so many seconds.
        server: where.
        now: seconds, of a steady clock.
        progress: is told the job, each time that it was looked at.
        seconds: how long; None for ever.

    Returns:
        the job, done.

    Raises:
        RemoteJobFailed: it was undone. WaitedTooLong: it goes on. And what `attempt` raises.
    """
    start = heard = now()
    while True:
        left = _LOOK if seconds is None else max(0.0, min(_LOOK, start + seconds - now()))
        try:
            job = yield from attempt(look(int(left)), server, "")
            heard = now()
        except (EngineUnreachable, EngineLost, EngineBusy):
            if now() - heard >= _AWAY or (seconds is not None and now() - start >= seconds):
                raise
            yield Pause(1.0)
            continue
        if progress is not None:
            progress(job)
        if job.get("status") in ENDED:
            return _ended(job)
        if seconds is not None and now() - start >= seconds:
            raise WaitedTooLong(what=f"job {job.get('id')}", seconds=f"{seconds:g}")
        if left < 1:
            yield Pause(0.2)


def _ended(job: Json) -> Json:
    if job["status"] == "done":
        return job
    error = job.get("error")
    if not isinstance(error, dict):
        error = {"message": "it was cancelled"}
    problem = str(error.get("message") or error.get("code") or "no reason was given")
    advice = str(error.get("hint") or f"`guestwright job show {job.get('id')}` tells what was left")
    raise RemoteJobFailed(job=job.get("id"), problem=problem, advice=advice)
