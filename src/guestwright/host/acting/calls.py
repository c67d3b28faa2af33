"""Commands, services and files of guests: with a deadline, a bound, a way to cancel, and a line of audit.

Theory of operation: each call has a connection to the store of its own, because only closing that ends the
wait for a guest that says nothing any more. At the deadline, or when somebody cancels, the guest is asked to
end what it runs; when it has not done so after `GRACE` seconds, the connection is closed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from guestwright.agent.exchange import streams
from guestwright.base.errors import GuestwrightError
from guestwright.base.record import field, record
from guestwright.exec_channel.host import PATIENCE, Call, Done, Guest
from guestwright.exec_channel.host import ending as ending_of
from guestwright.host.acting.audit import Actor, audited
from guestwright.host.acting.errors import CallEnded
from guestwright.xenstore.client.client import Client

GRACE: Final = 10.0  # seconds: SIGTERM, 5 s later SIGKILL in the guest, and the way back
_LATER: Final = 6.0  # the guest has the same deadline, and says how it ended
OUTPUT_MAX: Final = 16 * 1024 * 1024
DEADLINE: Final = 600.0


@record
class Bounds:
    """How far a call may go.

    Attributes:
        deadline: seconds for all of it; the guest itself ends a program then.
        output: bytes of output and errors together; more ends the call.
        patience: seconds for the first answer.
    """

    deadline: float = DEADLINE
    output: int = OUTPUT_MAX
    patience: float = PATIENCE


@record
class Program:
    """What to run in a guest.

    Attributes:
        argv: program, by an absolute path, and arguments; or, for a service, its name and arguments.
        service: whether it is a service that the guest's owner has named.
        environment: more variables.
        directory: that it runs in.
        user: who runs it; "" for whom the owner chose.
        source: its standard input.
    """

    argv: Sequence[str] = field(repr=False)
    service: bool = False
    environment: Sequence[tuple[str, str]] = field(default=(), repr=False)
    directory: str = ""
    user: str = ""
    source: Iterable[bytes] = field(default=(), repr=False)

    def fields(self) -> list[tuple[str, str]]:
        """As the guest is told."""
        if self.service:
            return [("name", self.argv[0]), *[("arg", word) for word in self.argv[1:]]]
        found = [("arg", word) for word in self.argv]
        found += [("env", f"{name}={value}") for name, value in self.environment]
        return (
            found + [("cwd", self.directory)] * bool(self.directory) + [("user", self.user)] * bool(self.user)
        )


class Running:
    """A call under way: an iterator of (stream, bytes), where the stream is "out" or "err".

    Use it in a `with` block; leaving that ends what still runs in the guest.

    Attributes:
        ended: how it ended, as the guest said: "exit 0"; "" before.
    """

    def __init__(self, connect: Callable[[], Client], domid: int, actor: Actor, bounds: Bounds) -> None:
        self._client = connect()
        self._guest = Guest(self._client, f"/local/domain/{domid}", patience=bounds.patience)
        self._actor = actor
        self._bounds = bounds
        self._call: Call | None = None
        self._lock = threading.Lock()
        self._timers: list[threading.Timer] = []
        self._why = ""
        self._size = 0

    @property
    def ended(self) -> str:
        """See the class."""
        return self._call.ended if self._call is not None else ""

    def begin(self, kind: str, fields: Sequence[tuple[str, str]], source: Iterable[bytes]) -> Self:
        """Send the request; `kind` as of `Guest.call`.

        Raises:
            FeatureNotOffered: the guest does not offer it, or there is no agent.
        """
        try:
            self._call = self._guest.call(kind, fields, source)
        except BaseException:
            self._client.close()
            raise
        self._after(self._bounds.deadline + _LATER, f"it took longer than {self._bounds.deadline:g} s")
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """What the guest sends.

        Raises:
            CallEnded: the deadline, the bound, or somebody ended it, and the guest did not say how.
            RefusedByGuest, FailedInGuest, NoAnswer: see `exec_channel.errors`.
        """
        assert self._call is not None
        try:
            for tag, data in self._call:
                self._size += len(data)
                if self._size > self._bounds.output and not self._why:
                    self.cancel(f"it wrote more than {self._bounds.output} bytes")
                if not self._why:
                    yield ("out" if tag == streams.OUTPUT else "err"), data
        except GuestwrightError as error:
            if self._why:
                raise CallEnded(domain=self._actor.domain, reason=self._why) from error
            raise
        if self._why:
            raise CallEnded(domain=self._actor.domain, reason=self._why)

    def cancel(self, why: str = "cancelled") -> None:
        """Ask the guest to end it, and stop waiting `GRACE` seconds later. From any thread."""
        with self._lock:
            if self._why:
                return
            self._why = why
            timer = threading.Timer(GRACE, self._client.close)
            timer.daemon = True
            self._timers.append(timer)
        timer.start()
        if self._call is not None:
            with suppress(GuestwrightError):  # the connection is gone, and with it the call
                self._call.cancel()

    def close(self) -> None:
        """End it, if it has not ended."""
        with self._lock:
            for timer in self._timers:
                timer.cancel()
        if self._call is not None:
            self._call.close()
        self._client.close()

    def _after(self, seconds: float, why: str) -> None:
        timer = threading.Timer(seconds, lambda: self.cancel(why))
        timer.daemon = True
        with self._lock:
            self._timers.append(timer)
        timer.start()


class GuestCalls:
    """Calls to one guest on somebody's behalf.

    Args:
        connect: opens a connection to the store with the host's rights.
        domid: number of the guest's directory in the store.
        actor: on whose behalf.
    """

    def __init__(self, connect: Callable[[], Client], domid: int, actor: Actor) -> None:
        self._connect = connect
        self._domid = domid
        self._actor = actor

    def begin(self, program: Program, bounds: Bounds | None = None) -> Running:
        """Begin to run a program, for those who want its output while it runs; they write the audit.

        Raises:
            FeatureNotOffered: see `Running.begin`.
        """
        bounds = bounds or Bounds()
        fields = [*program.fields(), ("timeout", f"{bounds.deadline:g}")]
        kind = "service" if program.service else "command"
        return Running(self._connect, self._domid, self._actor, bounds).begin(kind, fields, program.source)

    def follow(self, running: Running, name: str) -> Iterator[tuple[str, bytes]]:
        """What a program that was begun writes, while it runs; ends it when whoever reads leaves.

        Args:
            running: from `begin`.
            name: of the program, for the audit.

        Raises:
            CallEnded, RefusedByGuest, FailedInGuest, NoAnswer: see `run`.
        """
        with audited(self._actor, "exec", name) as outcome, running:
            yield from running
            outcome.detail = running.ended

    def run(
        self,
        program: Program,
        bounds: Bounds | None = None,
        *,
        begun: Callable[[Running], None] = lambda _: None,
    ) -> Done:
        """Run a program to its end.

        Args:
            program: see there.
            bounds: see there.
            begun: is given the call, to cancel it from another thread.

        Raises:
            CallEnded: it was cancelled, took too long or wrote too much.
            FeatureNotOffered, RefusedByGuest, FailedInGuest, NoAnswer: see `exec_channel.errors`.
        """
        parts: dict[str, list[bytes]] = {"out": [], "err": []}
        with audited(self._actor, "exec", program.argv[0] if program.argv else "") as outcome:
            with self.begin(program, bounds) as running:
                begun(running)
                for stream, data in running:
                    parts[stream].append(data)
            how, number = ending_of(running.ended)
            outcome.detail = running.ended
        return Done(
            status=number if how == "exit" else None,
            how=how,
            signal=number if how == "signal" else None,
            out=b"".join(parts["out"]),
            err=b"".join(parts["err"]),
        )

    def read_file(self, path: str, bounds: Bounds | None = None) -> Iterator[bytes]:
        """The contents of a file, piece by piece; raises as `run`."""
        size = 0
        with audited(self._actor, "file-read", path) as outcome:
            running = Running(self._connect, self._domid, self._actor, bounds or Bounds())
            with running.begin("read", [("path", path)], ()):
                for _, data in running:
                    size += len(data)
                    yield data
            outcome.detail = f"{size} bytes"
            ending_of(running.ended)

    def write_file(
        self, path: str, source: Iterable[bytes], *, mode: int = 0o600, bounds: Bounds | None = None
    ) -> None:
        """Write a file, all or nothing; raises as `run`."""
        with audited(self._actor, "file-write", path) as outcome:
            running = Running(self._connect, self._domid, self._actor, bounds or Bounds())
            with running.begin("write", [("path", path), ("mode", f"{mode:o}")], source):
                for _ in running:
                    pass
            outcome.detail = running.ended
            ending_of(running.ended)
