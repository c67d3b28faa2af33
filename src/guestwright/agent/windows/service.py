"""The agent as a service of Windows.

Theory of operation: `StartServiceCtrlDispatcherW` holds the process's first thread until the service has
ended; Windows calls `_main` in a second thread, where the agent runs, and `_control` in the first, where all
that is done is to set the event that has the agent's loop stop. What the service manager wants to hear is
said with `SetServiceStatus`.

Source: Microsoft's "Writing a ServiceMain function", "Service control handler function"; winsvc.h.
"""

from __future__ import annotations

import ctypes

from guestwright.agent.windows.native import failure
from guestwright.agent.windows.service_manager import NAME
from guestwright.agent.windows.structures import ServiceEntry, ServiceStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from guestwright.agent.windows.native import Native

_OWN_PROCESS: Final = 0x10
_STOPPED, _START_PENDING, _STOP_PENDING, _RUNNING = 1, 2, 3, 4
_ACCEPTS: Final = 5  # SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN
_WANTS_STOP: Final = frozenset((1, 5))  # SERVICE_CONTROL_STOP, SERVICE_CONTROL_SHUTDOWN
_INTERROGATE: Final = 4
_NOT_IMPLEMENTED: Final = 120  # ERROR_CALL_NOT_IMPLEMENTED
_PATIENCE: Final = 10_000  # ms that the manager may wait for the next word
_FAILED: Final = 1066  # ERROR_SERVICE_SPECIFIC_ERROR


class Service:
    """Runs the agent for the service manager.

    Args:
        native: Windows.
        stop: an event, set when the service is to end.
        work: the agent, until that event is set; its exit status.
    """

    def __init__(self, native: Native, stop: int, work: Callable[[], int]) -> None:
        self._native = native
        self._stop = stop
        self._work = work
        self._handle = 0
        self._state = _START_PENDING
        self._status = 0
        self._main_pointer: Any = native.callback("service", self._main)
        self._control_pointer: Any = native.callback("control", self._control)

    def run(self) -> int:
        """Be the service; returns when it has ended. The exit status of the agent.

        Raises:
            OSError: the service manager has not started this process.
        """
        main = ctypes.cast(self._main_pointer, ctypes.c_void_p)
        table = (ServiceEntry * 2)(ServiceEntry(NAME, main), ServiceEntry(None, None))
        if not self._native("StartServiceCtrlDispatcherW", table):
            raise failure(self._native.error(), "StartServiceCtrlDispatcherW")
        return self._status

    def _main(self, count: int, words: object) -> None:
        """ServiceMain; in a thread of Windows."""
        del count, words
        self._handle = self._native("RegisterServiceCtrlHandlerExW", NAME, self._control_pointer, None)
        if not self._handle:
            return
        self._say(_RUNNING)
        self._status = 1
        try:
            self._status = self._work()
        finally:
            self._say(_STOPPED)

    def _control(self, wish: int, kind: int, data: object, context: object) -> int:
        """HandlerEx; in the dispatcher's thread."""
        del kind, data, context
        if wish in _WANTS_STOP:
            self._say(_STOP_PENDING)
            self._native("SetEvent", self._stop)
            return 0
        return 0 if wish == _INTERROGATE else _NOT_IMPLEMENTED

    def _say(self, state: int) -> None:
        self._state = state
        status = ServiceStatus(
            kind=_OWN_PROCESS,
            state=state,
            accepts=_ACCEPTS if state == _RUNNING else 0,
            exit_code=_FAILED if state == _STOPPED and self._status else 0,
            own_exit_code=self._status if state == _STOPPED else 0,
            wait=0 if state in {_RUNNING, _STOPPED} else _PATIENCE,
        )
        self._native("SetServiceStatus", self._handle, ctypes.byref(status))
