"""What the synchronous and the asynchronous client have in common."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from guestwright.base.secret import Secret
from guestwright.client.address import Server
from guestwright.client.address import server as read_server
from guestwright.client.call import BASE, Call, Json, Page
from guestwright.client.calls import jobs
from guestwright.client.flows import Progress, attempt, find, pages, wait
from guestwright.client.following import follow
from guestwright.client.kinds import Kind
from guestwright.client.parcels import Parcel, deliver
from guestwright.client.pieces import PATIENCE, Moved, Trying
from guestwright.client.steps import Flow
from guestwright.client.transfers import Sending, download, upload
from guestwright.client.trust import context_for

T = TypeVar("T")


class Settings:
    """Where, as whom, and the flows of one client.

    Args:
        server: the engine, or its URL.
        token: of the caller; None for what is open to all.
        others: engines on the same database, for when it cannot be reached.
        randomness: so many bytes, cryptographic.
        now: seconds, of a steady clock.

    Attributes:
        server: the engine that is named in errors.
        token: may be replaced.

    Raises:
        BadServer: the URL, or the file of authorities.
    """

    def __init__(
        self,
        server: Server | str,
        token: Secret | str | None,
        others: Sequence[Server | str] = (),
        randomness: Callable[[int], bytes] = os.urandom,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        all_ = [read_server(one) if isinstance(one, str) else one for one in (server, *others)]
        self.server = all_[0]
        self.token = Secret(token) if isinstance(token, str) else token
        self._places = [(one, context_for(one)) for one in all_]
        self._answered = 0
        self._randomness = randomness
        self._now = now

    def places(self) -> Iterator[tuple[Server, ssl.SSLContext | None]]:
        """Engines to connect to, one after the other until one can be reached; first the last that was."""
        first = self._answered
        for number in range(len(self._places)):
            at = (first + number) % len(self._places)
            yield self._places[at]

    def answered(self, server: Server) -> None:
        """That one could be reached."""
        self._answered = next(at for at, (one, _) in enumerate(self._places) if one is server)

    def doing(self, call: Call[T]) -> Flow[T]:
        """Do one call."""
        return attempt(call, self.server, self._randomness(16).hex())

    def listing(self, call: Call[Page], most: int | None) -> Flow[None]:
        """Give what is in a list."""
        return pages(call, self.server, most)

    def finding(self, kind: Kind, name: str) -> Flow[Json]:
        """Find one thing."""
        return find(kind, name, self.server)

    def waiting(self, job: str, progress: Progress | None, seconds: float | None) -> Flow[Json]:
        """Wait for a job."""
        return wait(lambda left: jobs.show(job, left), self.server, self._now, progress, seconds)

    def delivering(self, parcel: Parcel, progress: Moved | None, patience: float) -> Flow[Json]:
        """Have a payload kept."""
        keys = (self._randomness(16).hex(), self._randomness(16).hex())
        return deliver(parcel, self.server, keys, Trying(self._now, patience), progress)

    def uploading(self, sending: Sending, progress: Moved | None, patience: float = PATIENCE) -> Flow[Json]:
        """Upload a disk."""
        keys = (self._randomness(16).hex(), self._randomness(16).hex())
        return upload(sending, self.server, keys, Trying(self._now, patience), progress)

    def downloading(
        self, disk: str, path: str, progress: Moved | None, patience: float = PATIENCE
    ) -> Flow[int]:
        """Download a disk."""
        return download(disk, path, self.server, Trying(self._now, patience), progress)

    def following(self, after: str | None, kinds: tuple[str, ...], patience: float) -> Flow[None]:
        """Follow events."""
        target = f"{BASE}/events" + (f"?{urlencode({'kind': kinds}, doseq=True)}" if kinds else "")
        return follow(target, self.server, self._now, after=after, patience=patience)
