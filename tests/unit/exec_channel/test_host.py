"""The host's side against guests that answer in every way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from guestwright.agent.exchange import streams
from guestwright.base.errors import GuestwrightError
from guestwright.exec_channel.errors import FailedInGuest, FeatureNotOffered, NoAnswer, RefusedByGuest
from guestwright.exec_channel.host import Done, Guest
from guestwright.xenstore.client.client import Client
from tests.support.xenstore_server import Running

HOME = "/local/domain/5"


class Scripted:
    """A guest that answers its first call with given chunks or a given word."""

    def __init__(self, store: Client, chunks: list[bytes], word: bytes | None) -> None:
        self._store = store
        self._chunks = chunks
        self._word = word
        self._watches = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._watches.wait(20)

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        top = f"{HOME}/{streams.ROOT}"
        with self._store.watch(f"{top}/host") as events:
            self._watches.set()  # a call made before that would go unheard
            while not (names := [event.path for event in [events.get(20)] if event.path != f"{top}/host"]):
                pass
        name = names[0].rpartition("/")[2]
        for slot, chunk in enumerate(self._chunks):
            self._store.write(f"{HOME}/{streams.slots(name, 'out')}/{slot}", chunk)
        word = streams.word(len(self._chunks), 0) if self._word is None else self._word
        self._store.write(f"{HOME}/{streams.guest_word(name)}", word)


Answer = Callable[..., Guest]


@pytest.fixture
def answer(tmp_path: Path) -> Iterator[Answer]:
    path = str(tmp_path / "socket")
    scripts = []
    with Running() as running:
        running.inside(lambda: running.server.listen(path))
        with Client(path) as host, Client(path) as other:
            host.write(f"{HOME}/data/guestwright/features/exec", "1")
            host.mkdir(f"{HOME}/{streams.ROOT}/host")

            def one(*chunks: bytes, word: bytes | None = None) -> Guest:
                scripts.append(Scripted(other, list(chunks), word))
                return Guest(host, HOME, patience=60)

            yield one
            for script in scripts:
                script.join()
            assert host.children(f"{HOME}/{streams.ROOT}/host") == []


@pytest.mark.parametrize(
    ("ended", "wanted"),
    [
        ("exit 0", Done(status=0, how="exit", out=b"ab", err=b"c")),
        ("exit 77", Done(status=77, how="exit", out=b"ab", err=b"c")),
        ("signal 15", Done(status=None, how="signal", signal=15, out=b"ab", err=b"c")),
        ("timeout", Done(status=None, how="timeout", out=b"ab", err=b"c")),
        ("exit x", Done(status=None, how="exit", out=b"ab", err=b"c")),
        ("\x1b[2J", Done(status=None, how="\x1b[2J", out=b"ab", err=b"c")),
    ],
)
def test_endings(answer: Answer, ended: str, wanted: Done) -> None:
    assert answer(b"oa", b"ec", b"ob", b"x" + ended.encode()).run(["/x"]) == wanted


@pytest.mark.parametrize(
    ("chunks", "word", "error"),
    [
        ([b"xrefused because"], None, RefusedByGuest),
        ([b"xfailed because"], None, FailedInGuest),
        ([], b"0 0 lost", NoAnswer),
        ([], b"nonsense", FailedInGuest),
        ([], b"0 99 ", FailedInGuest),
        ([], b"65 0 ", FailedInGuest),
    ],
)
def test_answers_that_are_errors(
    answer: Answer, chunks: list[bytes], word: bytes | None, error: type[GuestwrightError]
) -> None:
    with pytest.raises(error):
        answer(*chunks, word=word).run(["/x"])


def test_nobody_answers(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with Running() as running:
        running.inside(lambda: running.server.listen(path))
        with Client(path) as store:
            guest = Guest(store, HOME, patience=0.1)
            with pytest.raises(FeatureNotOffered, match="there is no agent"):
                guest.run(["/x"])
            store.write(f"{HOME}/data/guestwright/features/exec", "1")
            with pytest.raises(NoAnswer):
                guest.run(["/x"])
            assert store.children(f"{HOME}/{streams.ROOT}/host") == []
