"""The agent on Windows: `guestwright-agent.pyz [install | remove | service] [--socket PATH] …`.

Theory of operation: as in `guestwright.agent.main`, with this platform's loop, channel, collectors and
actions. `install` has the service manager start it with the system, as `service`; without such a word it runs
until Ctrl+C. Where there is no channel to a host, it ends at once, in silence and without an error; a service
does so too, and is not started anew.
"""

from __future__ import annotations

import os
import sys

from guestwright.agent.log import Log
from guestwright.agent.windows import service_manager
from guestwright.agent.windows.agent import WindowsAgent
from guestwright.agent.windows.find import find
from guestwright.agent.windows.native import Native
from guestwright.agent.windows.places import config_path, home, log_path
from guestwright.agent.windows.service import Service
from guestwright.agent.windows.waiting import WindowsLoop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

_USAGE: Final = (
    "usage: guestwright-agent.pyz [--socket PATH] [--config FILE] [--home PATH]\n"
    "       guestwright-agent.pyz install [OPTION ...]   as a service, and start it\n"
    "       guestwright-agent.pyz remove                 the service\n"
)
_PAUSE: Final = 5000  # ms between two looks for a channel
_TRIES: Final = 24  # of a service: drivers may come after it when the system starts
_LOG_MAX: Final = 1 << 20  # bytes; then the file is begun anew and the former one kept
_MISUSED: Final = 2


def main(arguments: Sequence[str] | None = None, native: Native | None = None) -> int:
    """Do what the first word says; the exit status.

    Args:
        arguments: by default those of the process.
        native: Windows; another one in tests.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    verb = words.pop(0) if words[:1] and words[0] in {"install", "remove", "service"} else ""
    options = _options(words)
    if options is None:
        os.write(2, _USAGE.encode())
        return 0 if words[:1] and words[0] in {"-h", "--help"} else _MISUSED
    native = native or Native()
    if verb in {"install", "remove"}:
        return _manage(native, verb, words)
    stop = native.check("CreateEventW", None, True, False, None)
    if verb == "service":
        return Service(
            native, stop, lambda: _run(native, stop, options, Log(_log_file()), tries=_TRIES)
        ).run()
    pressed = native.callback("console", lambda _kind: native("SetEvent", stop))
    native("SetConsoleCtrlHandler", pressed, True)
    return _run(native, stop, options, Log())


def _options(words: Sequence[str]) -> dict[str, str] | None:
    """What the words say; None when they make no sense."""
    found = {"--socket": "", "--config": config_path(), "--home": ""}
    rest = list(words)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name not in found or not (equals or rest):
            return None
        found[name] = value if equals else rest.pop(0)
    return found


def _run(native: Native, stop: int, options: dict[str, str], log: Log, *, tries: int = 1) -> int:
    """Run until an event is set; look for a channel so many times."""
    while (found := find(native, options["--socket"])) is None:
        tries -= 1
        if not tries or not native("WaitForSingleObject", stop, _PAUSE):
            return 0
    loop = WindowsLoop(native)
    agent = WindowsAgent(
        loop,
        found=found,
        config=options["--config"],
        home=options["--home"],
        log=log,
        architecture=os.environ.get("PROCESSOR_ARCHITECTURE", "").lower(),
    )

    def stopped(events: int) -> None:
        del events
        loop.remove(stop)
        agent.stop()

    loop.add(stop, stopped)
    agent.start()
    loop.run()
    agent.close()
    loop.close()
    return 0


def _manage(native: Native, verb: str, words: Sequence[str]) -> int:
    """Put the service in or out."""
    archive = os.path.abspath(sys.argv[0])
    try:
        if verb == "remove":
            service_manager.remove(native)
        else:
            wrong = misplaced((sys.executable, archive), os.path.dirname(home()))
            if wrong:
                os.write(2, f"{wrong} must lie below {os.path.dirname(home())}\n".encode())
                return 1
            argv = [sys.executable, "-I", "-S", "-E", archive, "service", *words]
            service_manager.install(native, argv)
    except OSError as error:
        os.write(2, f"cannot {verb} the service: {error}\n".encode("utf-8", "replace"))
        return 1
    return 0


def misplaced(paths: Sequence[str], top: str) -> str:
    """The first path that is not below a directory which only administrators may change; "" if all are.

    What a service runs as the system must not be where anybody else can put something in its place.
    """
    prefix = top.rstrip("\\").lower() + "\\"
    return next((path for path in paths if not path.lower().startswith(prefix) or ".." in path), "")


def _log_file() -> int:
    """The descriptor of the service's log; one to nowhere when there can be none."""
    path = log_path()
    try:
        os.makedirs(home(), exist_ok=True)
        if os.path.exists(path) and os.path.getsize(path) > _LOG_MAX:
            os.replace(path, f"{path}.1")
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)
