"""The host service of this machine beside the engine: a process of its own, started again if it ends.

Theory of operation: a fault in the one is then no fault of the other, and both have their own memory and
limits. The child ends when we do (`host_main`). One that a killed engine left is still ending when the next
one is started; that one finds the place taken, ends too, and is started again a moment later.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from typing import Final

from guestwright.engine.process.errors import HostServiceFailed
from guestwright.host.client.address import UnixAddress
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import ClientError

_PAUSES: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
_STEADY: Final = 60.0  # seconds that a service must have run to count as one that works
_START: Final = 180.0
_FAILURES: Final = 5  # in a row, after which it will not come up
_END: Final = 30.0
_LOG: Final = logging.getLogger(__name__)


class HostChild:
    """The service, running.

    Args:
        config: path of its settings.
        socket: at which it will answer.
        uri: of the hypervisor; "" for the one in the settings.
    """

    def __init__(self, config: str, socket: str, uri: str = "") -> None:
        module = "guestwright.engine.process.host_main"
        self._argv = [sys.executable, "-P", "-m", module, config, *([uri] if uri else [])]
        self._socket = socket
        self._process: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="host-service", daemon=True)

    def start(self) -> None:
        """Start it; on return, it answers.

        Raises:
            HostServiceFailed: it does not within three minutes, or ends again and again.
        """
        self._spawn()
        self._thread.start()
        end = time.monotonic() + _START
        problem = ""
        while time.monotonic() < end and self._failures < _FAILURES:
            try:
                with HostClient(UnixAddress(path=self._socket), 30.0) as client:
                    client.about()
            except ClientError as error:
                problem = error.message
                time.sleep(0.1)
                continue
            return
        raise HostServiceFailed(problem=problem)

    def stop(self) -> None:
        """End it, and wait for the end. May be called twice."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(_END)
            except subprocess.TimeoutExpired:
                _LOG.warning("the host service does not end, and is killed")
                process.kill()
                process.wait()
        if self._thread.ident is not None:
            self._thread.join()
        if process is not None and process.stdin is not None:
            process.stdin.close()

    def _spawn(self) -> None:
        former = self._process
        if former is not None and former.stdin is not None:
            former.stdin.close()
        self._process = subprocess.Popen(self._argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

    def _keep(self) -> None:
        """Start it again whenever it has ended."""
        while not self._stopping.is_set():
            began, process = time.monotonic(), self._process
            status = None if process is None else process.wait()
            if self._stopping.is_set():
                return
            self._failures = 0 if time.monotonic() - began > _STEADY else self._failures + 1
            _LOG.warning("the host service has ended with status %s; it is started again", status)
            if self._stopping.wait(_PAUSES[max(0, min(self._failures, len(_PAUSES)) - 1)]):
                return
            self._spawn()
