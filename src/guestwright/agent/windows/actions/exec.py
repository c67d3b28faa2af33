"""Run commands and named services in a Windows guest, and read and write its files.

Theory of operation: what may be run is the owner's business, as elsewhere; paths are compared as Windows
does, whatever their case and slashes. Everything runs as the agent itself: another user would need a
password.
"""

from __future__ import annotations

from guestwright.agent.actions.action import DISABLED
from guestwright.agent.actions.call import Call
from guestwright.agent.actions.exec import Exec
from guestwright.agent.actions.stage import NotAllowed
from guestwright.agent.windows import commands
from guestwright.agent.windows.actions.context import native, windows
from guestwright.agent.windows.files import WindowsRead, WindowsWrite, place
from guestwright.agent.windows.process import Program, system_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from guestwright.agent.actions.action import Context
    from guestwright.agent.actions.stage import Stage, Work

_TIMEOUT_MAX: Final = 7 * 86400
_OURSELVES: Final = ("", "root", "system")  # names of who runs things; another one cannot be
_SWITCHES: Final = {"command": "exec", "service": "exec", "read": "file", "write": "file"}
_PLAIN: Final = ("LANG", "LC_", "TZ", "TERM")


def work_for(context: Context, request: Mapping[str, Sequence[str]], stage: Stage, refusal: str = "") -> Work:
    """Start what is asked for.

    Raises:
        NotAllowed: it is not allowed.
        OSError: it cannot be done.
    """
    if refusal:
        raise NotAllowed(refusal)
    kind = _one(request, "kind")
    if kind not in _SWITCHES:
        raise NotAllowed("there is no such kind of request")
    if not context.config.allows(_SWITCHES[kind]):
        raise NotAllowed(DISABLED)
    if kind == "read":
        return WindowsRead(
            native(context), place(_one(request, "path"), context.config.words("file", "read")), stage
        )
    if kind == "write":
        return WindowsWrite(place(_one(request, "path"), context.config.words("file", "write")), 0, stage)
    argv, given, directory = (
        chosen(request, context.config.words("exec", "commands"))
        if kind == "command"
        else (_service(context, request), {}, "")
    )
    system = system_root()
    environment = commands.environment(system, given)
    try:
        return Program(windows(context), argv, environment, directory or system, _timeout(request), stage)
    except ValueError as error:
        raise NotAllowed(str(error)) from error


def chosen(
    request: Mapping[str, Sequence[str]], listed: Sequence[str]
) -> tuple[list[str], dict[str, str], str]:
    """Arguments, variables and directory of a command that the host has chosen.

    Raises:
        NotAllowed: the owner has not allowed it.
    """
    argv = list(request.get("arg", ()))
    anything = "*" in listed
    if not argv or not commands.absolute(argv[0]):
        raise NotAllowed("a command begins with an absolute path")
    if not anything and not any(commands.same(argv[0], one) for one in listed):
        raise NotAllowed("the command is not on the list of the guest's owner")
    _ourselves(_one(request, "user"))
    directory = _one(request, "cwd")
    if directory and not anything:
        raise NotAllowed("a directory may be chosen only where all commands are allowed")
    given = dict(pair.partition("=")[::2] for pair in request.get("env", ()))
    if not anything and not all(name.startswith(_PLAIN) for name in given):
        raise NotAllowed("such variables may be set only where all commands are allowed")
    if any(not name or "\0" in name + value for name, value in given.items()):
        raise NotAllowed("a variable has no name, or a NUL in it")
    return argv, given, directory


def _service(context: Context, request: Mapping[str, Sequence[str]]) -> list[str]:
    service = context.config.services.get(_one(request, "name"))
    if service is None:
        raise NotAllowed("there is no such service")
    more = list(request.get("arg", ()))
    if more and not service.arguments:
        raise NotAllowed("the service takes no arguments")
    _ourselves(service.user)
    return [*service.command, *more]


def _ourselves(user: str) -> None:
    if user.lower() not in _OURSELVES:
        raise NotAllowed("on Windows everything runs as the agent itself")


def _one(request: Mapping[str, Sequence[str]], key: str, default: str = "") -> str:
    values = request.get(key, ())
    return values[-1] if values else default


def _timeout(request: Mapping[str, Sequence[str]]) -> float:
    try:
        return min(_TIMEOUT_MAX, max(0.0, float(_one(request, "timeout", "0"))))
    except ValueError:
        raise NotAllowed("timeout is no number") from None


class WindowsCall(Call):
    """A call of the host."""

    begin = staticmethod(work_for)


class WindowsExec(Exec):
    """Calls of all kinds."""

    kind = WindowsCall
