"""A program in a guest, followed while it runs.

with Execution(address, uuid, ["/bin/cat"]) as run:
run.send(b"hello")
run.finish()
for stream, data in run:  # "out" or "err"
...
print(run.ended)  # {"how": "exit", "status": 0, "signal": None}
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from http.client import HTTPException
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

from guestwright.host.client.address import Address
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import HostAnswerBad, HostLost, HostRefused

PIECE: Final = 1 << 20
_LINE_MAX: Final = 16 << 20
_FAILED: Final = 500


class Execution:
    """One program; an iterator of what it writes. Leaving the block ends what still runs.

    Args:
        address: of the service.
        uuid: of the domain.
        argv: program, by an absolute path, and arguments.
        more: of the operation `exec-stream`: `service`, `environment`, `directory`, `user`, `seconds`, …

    Attributes:
        ended: how it ended; None before.

    Raises:
        HostRefused: the service or the guest does not do it.
        HostUnreachable, HostNotTrusted, HostLost, HostAnswerBad: there is no answer.
    """

    def __init__(self, address: Address, uuid: str, argv: Sequence[str], **more: Any) -> None:
        self.ended: dict[str, Any] | None = None
        self._client = HostClient(address)
        self._input = HostClient(address)
        self._path = f"/v1/domains/{quote(uuid, safe='')}/exec-stream"
        body = json.dumps({"argv": list(argv), **more}).encode()
        try:
            headers = {"Content-Type": "application/json"}
            self._answer = self._client.open("POST", self._path, body, headers)
            self._process = str(self._line().get("process", ""))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """What it writes, as it comes.

        Raises:
            HostRefused: it was ended, or the guest failed; with the code of that.
            HostLost, HostAnswerBad: the line to the service broke; the program is ended.
        """
        while self.ended is None:
            line = self._line()
            for stream in ("out", "err"):
                if stream in line:
                    yield stream, base64.b64decode(line[stream])
            if "error" in line:
                raise HostRefused.of(_FAILED, line["error"])
            self.ended = line.get("ended")

    def send(self, data: bytes) -> None:
        """Give it input; waits while the program takes none. May be called by another thread.

        Raises:
            HostRefused: it takes none, or has ended. HostLost, HostUnreachable: there is no answer.
        """
        for at in range(0, len(data), PIECE):
            self._put(data[at : at + PIECE], "")

    def finish(self) -> None:
        """There is no more input."""
        self._put(b"", "?end=true")

    def close(self) -> None:
        """End it, if it has not ended."""
        self._client.close()
        self._input.close()

    def _put(self, data: bytes, query: str) -> None:
        headers = {"Content-Type": "application/octet-stream"}
        path = f"{self._path}/{self._process}/input{query}"
        self._input.open("PUT", path, data, headers).read()

    def _line(self) -> dict[str, Any]:
        what = {"address": str(self._client.address), "request": f"POST {self._path}"}
        try:
            text = self._answer.readline(_LINE_MAX)
        except (OSError, HTTPException) as error:
            raise HostLost(**what, problem=str(error) or type(error).__name__) from error
        if not text.endswith(b"\n"):
            raise HostLost(**what, problem="it broke off")
        try:
            found: dict[str, Any] = dict(json.loads(text))
        except (ValueError, TypeError, RecursionError) as error:
            raise HostAnswerBad(**what, problem="no JSON") from error
        return found
