"""What a call does: run a process, read a file, write a file; and whether the owner allows it."""

from __future__ import annotations

from guestwright.agent.actions.file_work import ReadFile, WriteFile, place
from guestwright.agent.actions.process import Process
from guestwright.agent.actions.stage import NotAllowed, Stage, Work
from guestwright.agent.children import PATH, user

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from guestwright.agent.actions.action import Context

_TIMEOUT_MAX: Final = 7 * 86400
# Harmless for programs that somebody else chose; others could make them do something else.
_PLAIN: Final = ("LANG", "LC_", "TZ", "TERM")


def work_for(context: Context, request: Mapping[str, Sequence[str]], stage: Stage, refusal: str = "") -> Work:
    """Start what is asked for.

    Raises:
        NotAllowed: it is not allowed.
        OSError: it cannot be done.
    """
    if refusal or context.frozen:
        raise NotAllowed(refusal or context.frozen)
    kind = _one(request, "kind")
    switch = "exec" if kind in {"command", "service"} else "file"
    if not context.config.allows(switch):
        raise NotAllowed("disabled in the guest")
    if kind == "command":
        return _command(context, request, stage)
    if kind == "service":
        return _service(context, request, stage)
    if kind == "read":
        return ReadFile(place(_one(request, "path"), context.config.words("file", "read")), stage)
    if kind == "write":
        path = place(_one(request, "path"), context.config.words("file", "write"))
        return WriteFile(path, _mode(_one(request, "mode", "600")), stage)
    raise NotAllowed("there is no such kind of request")


def _one(request: Mapping[str, Sequence[str]], key: str, default: str = "") -> str:
    values = request.get(key, ())
    return values[-1] if values else default


def _mode(text: str) -> int:
    if len(text) > 4 or not set(text) <= set("01234567"):
        raise NotAllowed("mode is no octal number")
    return int(text, 8) & 0o777


def _timeout(request: Mapping[str, Sequence[str]]) -> float:
    try:
        return min(_TIMEOUT_MAX, max(0.0, float(_one(request, "timeout", "0"))))
    except ValueError:
        raise NotAllowed("timeout is no number") from None


def _command(context: Context, request: Mapping[str, Sequence[str]], stage: Stage) -> Work:
    config = context.config
    argv = list(request.get("arg", ()))
    listed = config.words("exec", "commands")
    anything = "*" in listed
    if not argv or not argv[0].startswith("/"):
        raise NotAllowed("a command begins with an absolute path")
    if not anything and argv[0] not in listed:
        raise NotAllowed("the command is not on the list of the guest's owner")
    whose = _one(request, "user") or config.text("exec", "user")
    if config.text("exec", "user") not in {"root", whose}:
        raise NotAllowed("the guest's owner does not allow this user")
    directory = _one(request, "cwd")
    if directory and not anything:
        raise NotAllowed("a directory may be chosen only where all commands are allowed")
    given = dict(pair.partition("=")[::2] for pair in request.get("env", ()))
    if not anything and not all(name.startswith(_PLAIN) for name in given):
        raise NotAllowed("such variables may be set only where all commands are allowed")
    return _process(context, argv, whose, stage, timeout=_timeout(request), directory=directory, given=given)


def _service(context: Context, request: Mapping[str, Sequence[str]], stage: Stage) -> Work:
    service = context.config.services.get(_one(request, "name"))
    if service is None:
        raise NotAllowed("there is no such service")
    more = list(request.get("arg", ()))
    if more and not service.arguments:
        raise NotAllowed("the service takes no arguments")
    whose = service.user or context.config.text("exec", "user")
    return _process(context, [*service.command, *more], whose, stage, timeout=_timeout(request))


def _process(
    context: Context,
    argv: Sequence[str],
    whose: str,
    stage: Stage,
    *,
    timeout: float,
    directory: str = "",
    given: Mapping[str, str] | None = None,
) -> Work:
    who = user(whose)
    if who is None:
        raise NotAllowed("there is no such user")
    environment = {
        "PATH": PATH,
        "HOME": who.home,
        "USER": who.name,
        "LOGNAME": who.name,
        "SHELL": who.shell,
        **(given or {}),
    }
    return Process(context.loop, argv, who, environment, directory or "/", timeout, stage)
