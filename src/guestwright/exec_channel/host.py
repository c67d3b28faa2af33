"""The host's side of calls into a guest.

    with Client() as store:
        guest = Guest(store, "/local/domain/5")
        done = guest.run(["/usr/bin/uptime"])
        print(done.status, done.out)

Theory of operation: see `agent.exchange.streams`. A call is an iterator: while it is iterated, output is
taken and input is given; when it is closed before its end, the guest ends what it runs. Up to `streams.SLOTS`
nodes are read or written at once, so that the time of a round trip is shared by 120 KB.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Final, Self

from guestwright.agent.exchange import streams
from guestwright.agent.exchange.streams import OutOfOrder, Receiving, Sending
from guestwright.base.errors import GuestwrightError
from guestwright.base.record import record
from guestwright.exec_channel.errors import FailedInGuest, FeatureNotOffered, NoAnswer, RefusedByGuest
from guestwright.xenstore.client import operations as ops
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.errors import ConnectionLost, NoSuchPath, Refused, TimedOut
from guestwright.xenstore.client.operations import Outcomes, Several, Steps
from guestwright.xenstore.client.watch import Watch
from guestwright.xenstore.core import requests
from guestwright.xenstore.core.replies import Reply, Value

PATIENCE: Final = 15.0  # seconds for the first answer
_NAME_BYTES: Final = 8
_LOOK: Final = 0.02  # seconds between two questions to a source that has nothing yet
_FEATURES: Final = {"command": "exec", "service": "exec", "read": "file", "write": "file"}


@record
class Done:
    """How a program ended.

    Attributes:
        status: its exit status; None when it has none.
        how: "exit", "signal", "timeout" or "cancelled".
        signal: that ended it, or None.
        out: its standard output.
        err: its standard error.
    """

    status: int | None
    how: str
    signal: int | None = None
    out: bytes = b""
    err: bytes = b""


class Call:
    """One call: an iterator of (`streams.OUTPUT` or `streams.ERRORS`, bytes).

    Args:
        store: of the host.
        home: directory of the guest in the store.
        fields: the request.
        source: its input, in pieces of any size; an empty one means that there is nothing yet.
        patience: seconds until the guest has to have answered first.

    Attributes:
        ended: what the guest said at last, such as "exit 0"; "" before.
    """

    def __init__(
        self,
        store: Client,
        home: str,
        fields: Sequence[tuple[str, str]],
        source: Iterable[bytes] = (),
        patience: float = PATIENCE,
    ) -> None:
        self.ended = ""
        self._store = store
        self._home = f"{home.rstrip('/')}/" if home else ""
        self._name = secrets.token_hex(_NAME_BYTES)
        self._source: Iterator[bytes] | None = iter(source)
        self._patience = patience
        self._sending = Sending()
        self._receiving = Receiving()
        self._wish = b""
        self._told: tuple[int, int, bytes] | None = None
        self._answered = False
        self._idle = False  # the source has nothing yet
        packed = streams.pack(list(fields))
        pieces = [packed[at : at + streams.CHUNK] for at in range(0, len(packed), streams.CHUNK)]
        for piece in pieces[:-1]:
            self._sending.put(streams.REQUEST_PART, piece)
        self._sending.put(streams.REQUEST_END, pieces[-1])
        self._steps = self._work()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[bytes, bytes]:
        return next(self._steps)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the call; what still runs in the guest is killed."""
        self._steps.close()

    def cancel(self) -> None:
        """Ask the guest to end the work; its last words still come. For any thread."""
        self._wish = streams.CANCEL
        self._store.write(
            self._host_word, streams.word(self._sending.sent, self._receiving.taken, self._wish)
        )

    @property
    def _host_word(self) -> str:
        return self._home + streams.host_word(self._name)

    @property
    def _guest_word(self) -> str:
        return self._home + streams.guest_word(self._name)

    def _work(self) -> Generator[tuple[bytes, bytes], None, None]:
        try:
            with self._store.watch(self._guest_word) as events:
                self._give()
                deadline = time.monotonic() + self._patience
                while not self.ended:
                    again = self._next(events, deadline)
                    try:
                        chunks = self._take()
                        self._fill()
                        self._give(again=again)
                    except ConnectionLost:
                        chunks = []  # the watch tells when it is back
                    for chunk in chunks:
                        if chunk[:1] == streams.ENDED:
                            self.ended = chunk[1:].decode("utf-8", "replace")
                        else:
                            yield chunk[:1], chunk[1:]
        finally:
            self._forget()

    def _next(self, events: Watch, deadline: float) -> bool:
        """Wait for the guest's word to change; whether events may have been lost."""
        while True:
            left = None if self._answered else max(0.0, deadline - time.monotonic())
            idle = self._idle and (left is None or left > _LOOK)
            try:
                return events.get(_LOOK if idle else left).missed
            except TimedOut as error:
                if not idle:
                    raise NoAnswer(reason=f"nothing came within {self._patience:g} s") from error
            if self._fill():
                return False

    def _take(self) -> list[bytes]:
        """What the guest has sent."""
        word = self._store.get(self._guest_word)
        if word is None:
            return []
        try:
            sent, taken, note = streams.parse_word(word)
            if note == streams.LOST:
                raise NoAnswer(reason="it was restarted and has forgotten the call")
            self._answered = True
            self._sending.acknowledged(taken)
            numbers = self._receiving.waiting(sent)
        except OutOfOrder as error:
            raise FailedInGuest(reason="its agent does not keep to the protocol") from error
        directory = self._home + streams.slots(self._name, "out")
        paths = [f"{directory}/{number}".encode() for number in numbers]
        chunks = []
        for outcome in self._store.run(_several([requests.Read(path) for path in paths])).each:
            if isinstance(outcome, NoSuchPath):
                break  # the store has forgotten it; the guest writes it again
            chunks.append(ops.expect(_accepted(outcome), Value).value)
        self._receiving.taken += len(chunks)
        return chunks

    def _fill(self) -> bool:
        """Take from the source what there is room for; whether that was anything."""
        found = False
        while self._source is not None and not self._sending.full:
            piece = next(self._source, None)
            self._idle = piece == b""
            if piece is None:
                self._source = None
                self._sending.put(streams.INPUT_END, b"")
            elif piece:
                self._sending.put(streams.INPUT, piece)
            else:
                break
            found = True
        return found

    def _give(self, *, again: bool = False) -> None:
        due = (self._sending.again() if again else []) + self._sending.due()
        told = (self._sending.sent, self._receiving.taken, self._wish)
        if not due and told == self._told and not again:
            return
        directory = self._home + streams.slots(self._name, "in")
        place, writes = self._host_word.encode(), []
        for left, (number, chunk) in zip(range(len(due) - 1, -1, -1), due, strict=True):
            writes.append(requests.Write(f"{directory}/{number}".encode(), chunk))
            if left and left % streams.BATCH == 0:
                writes.append(requests.Write(place, streams.word(told[0] - left, *told[1:])))
        writes.append(requests.Write(place, streams.word(*told)))
        for outcome in self._store.run(_several(writes)).each:
            _accepted(outcome)
        self._told = told

    def _forget(self) -> None:
        try:
            self._store.rm(self._host_word)
        except GuestwrightError:
            return  # the guest has gone, or gives up by itself


class Guest:
    """A guest with an agent.

    Args:
        store: of the host.
        home: directory of the guest in the store ("/local/domain/5").
        patience: seconds until the agent has to have answered first.
    """

    def __init__(self, store: Client, home: str, *, patience: float = PATIENCE) -> None:
        self._store = store
        self._home = home
        self._patience = patience

    def call(self, kind: str, fields: Sequence[tuple[str, str]], source: Iterable[bytes] = ()) -> Call:
        """Begin a call.

        Args:
            kind: "command", "service", "read" or "write".
            fields: the rest of the request.
            source: its input.

        Raises:
            FeatureNotOffered: the guest does not offer that, or there is no agent.
        """
        feature = _FEATURES[kind]
        state = self._store.get(f"{self._home}/data/guestwright/features/{feature}")
        if state != b"1":
            reason = "there is no agent" if state is None else state.decode("utf-8", "replace")
            raise FeatureNotOffered(feature=feature, reason=reason)
        return Call(self._store, self._home, [("kind", kind), *fields], source, self._patience)

    def run(
        self,
        argv: Sequence[str],
        *,
        source: Iterable[bytes] = (),
        environment: Mapping[str, str] | None = None,
        directory: str = "",
        user: str = "",
        timeout: float = 0.0,
    ) -> Done:
        """Run a program to its end.

        Args:
            argv: program, by an absolute path, and arguments.
            source: its standard input.
            environment: more variables.
            directory: that it runs in.
            user: who runs it; by default whom the owner of the guest chose.
            timeout: seconds, after which it is ended; 0 for none.

        Raises:
            FeatureNotOffered: see `call`.
            RefusedByGuest: its owner does not allow this.
            FailedInGuest: it could not be started.
            NoAnswer: the agent does not answer.
        """
        fields = [("arg", word) for word in argv]
        fields += [("env", f"{name}={value}") for name, value in (environment or {}).items()]
        fields += [("cwd", directory)] * bool(directory) + [("user", user)] * bool(user)
        return collect(self.call("command", [*fields, ("timeout", f"{timeout:g}")], source))

    def service(
        self, name: str, argv: Sequence[str] = (), *, source: Iterable[bytes] = (), timeout: float = 0.0
    ) -> Done:
        """Run a service that the guest's owner has named; see `run`."""
        fields = [("name", name), *[("arg", word) for word in argv], ("timeout", f"{timeout:g}")]
        return collect(self.call("service", fields, source))

    def read_file(self, path: str) -> Iterator[bytes]:
        """The contents of a file, piece by piece; raises as `run`."""
        with self.call("read", [("path", path)]) as call:
            for _, data in call:
                yield data
            ending(call.ended)

    def write_file(self, path: str, source: Iterable[bytes], mode: int = 0o600) -> None:
        """Write a file, all or nothing; raises as `run`."""
        collect(self.call("write", [("path", path), ("mode", f"{mode:o}")], source))


def collect(call: Call) -> Done:
    """Take all that a call gives; raises as `Guest.run`."""
    parts: dict[bytes, list[bytes]] = {streams.OUTPUT: [], streams.ERRORS: []}
    with call:
        for tag, data in call:
            parts.setdefault(tag, []).append(data)
    how, number = ending(call.ended)
    return Done(
        status=number if how == "exit" else None,
        how=how,
        signal=number if how == "signal" else None,
        out=b"".join(parts[streams.OUTPUT]),
        err=b"".join(parts[streams.ERRORS]),
    )


def ending(ended: str) -> tuple[str, int | None]:
    """How a call ended, and the number that belongs to it.

    Args:
        ended: what the guest said: "exit 0", "signal 9", "timeout", "cancelled"; "done" of a file.

    Raises:
        RefusedByGuest, FailedInGuest: it did not begin.
    """
    how, _, rest = ended.partition(" ")
    if how == "refused":
        raise RefusedByGuest(reason=rest)
    if how == "failed":
        raise FailedInGuest(reason=rest)
    return how, int(rest) if rest.isdigit() and len(rest) < 6 else None


def _several(wanted: Sequence[requests.Request]) -> Steps[Outcomes]:
    return ops.expect((yield Several(wanted)), Outcomes)


def _accepted(outcome: Reply | Refused) -> Reply:
    if isinstance(outcome, Refused):
        raise outcome
    return outcome
