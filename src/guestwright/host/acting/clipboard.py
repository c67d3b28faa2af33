"""The clipboard of a guest's session, both ways, in pieces.

Source: docs/agent.md; win-xenguestagent: `data/set_clipboard` and `data/report_clipboard`, each piece taken
away by the other side, an empty one at the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from guestwright.exec_channel.errors import FeatureNotOffered, NoAnswer
from guestwright.host.acting.audit import Actor, audited
from guestwright.host.acting.errors import BadGuestRequest
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.errors import TimedOut

PIECE: Final = 1000  # bytes
TEXT_MAX: Final = 1 << 18  # bytes, as the agent takes
_FEATURE: Final = "data/guestwright/features/clipboard"
_PATIENCE: Final = 15.0  # seconds for each piece


class GuestClipboard:
    """The clipboard of one guest, on somebody's behalf.

    Args:
        store: client with the host's rights.
        domid: number of the guest's directory in the store.
        actor: on whose behalf.
        patience: seconds that the guest has for each piece.
        clock: seconds of a monotonic clock.
    """

    def __init__(
        self,
        store: Client,
        domid: int,
        actor: Actor,
        *,
        patience: float = _PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._home = f"/local/domain/{domid}"
        self._actor = actor
        self._patience = patience
        self._clock = clock

    def send(self, text: str) -> None:
        """Put a text into the guest's clipboard.

        Raises:
            BadGuestRequest: it is too long.
            FeatureNotOffered: the guest does not offer it.
            NoAnswer: the guest does not take it.
        """
        data = text.encode()
        if len(data) > TEXT_MAX:
            raise BadGuestRequest(what="clipboard", problem=f"{len(data)} bytes; {TEXT_MAX} are the most")
        with audited(self._actor, "clipboard-set", "") as outcome:
            self._offered()
            path = f"{self._home}/data/set_clipboard"
            pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
            for piece in [*pieces, b""]:
                self._store.write(path, piece)
                try:
                    self._store.wait_until(path, lambda value: value is None, self._patience)
                except TimedOut as error:
                    self._store.rm(path)
                    raise NoAnswer(reason=f"it took no piece within {self._patience:g} s") from error
            outcome.detail = f"{len(data)} bytes"

    def receive(self, seconds: float) -> str:
        """The next text that comes into the guest's clipboard.

        Args:
            seconds: to wait for it.

        Raises:
            FeatureNotOffered: the guest does not offer it.
            NoAnswer: nothing came.
        """
        with audited(self._actor, "clipboard-get", "") as outcome:
            self._offered()
            path = f"{self._home}/data/report_clipboard"
            data = b""
            until = self._clock() + seconds
            while True:
                try:
                    piece = self._store.wait_until(path, _some, max(0.0, until - self._clock()))
                except TimedOut as error:
                    raise NoAnswer(reason=f"no text came within {seconds:g} s") from error
                self._store.rm(path)
                if not piece:
                    break
                data = (data + piece)[:TEXT_MAX]
                until = self._clock() + self._patience
            outcome.detail = f"{len(data)} bytes"
        return data.decode("utf-8", "replace")

    def _offered(self) -> None:
        told = self._store.get(f"{self._home}/{_FEATURE}")
        if told != b"1":
            reason = "there is no agent" if told is None else told[:200].decode("utf-8", "replace")
            raise FeatureNotOffered(feature="clipboard", reason=reason)


def _some(value: bytes | None) -> bool:
    return value is not None
