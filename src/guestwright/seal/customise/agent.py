"""Puts the guest agent into an image: its one file, its service, and a configuration where there is none."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from guestwright.agent.package import contents
from guestwright.seal.changes import Change, MakeSymlink, Note
from guestwright.seal.customise.directives import InstallAgent
from guestwright.seal.customise.errors import CustomiseUnsupported
from guestwright.seal.customise.looking import find, link_target, put, put_directory
from guestwright.seal.customise.services import start_links
from guestwright.seal.guest import Guest

_REASON: Final = "guest agent as asked for"
_WHAT: Final = "guest agent"
_PYTHON: Final = "/usr/bin/python3"
_OLDEST: Final = 8
_VERSION: Final = re.compile(r"python3\.(\d{1,3})")
_UNIT: Final = f"/etc/systemd/system/{contents.NAME}.service"
_WANTS: Final = f"/etc/systemd/system/multi-user.target.wants/{contents.NAME}.service"
_INIT: Final = f"/etc/init.d/{contents.NAME}"
_RULES: Final = f"/etc/udev/rules.d/{contents.RULES}"


def plan_agent(directive: InstallAgent, guest: Guest) -> Iterator[Change]:
    """Install the agent and enable it. A configuration that the guest has stays as it is.

    Raises:
        CustomiseUnsupported: no Python 3.8 or later in the guest, or no init system that we know.
    """
    _check_python(guest)
    base = contents.IMMUTABLE_BASE if _is_ostree(guest) else contents.BASE
    service, data, mode, links = _service(directive, guest, base)
    yield from _file(guest, contents.program(base), directive.archive, 0o755)
    if find(guest.fs, contents.CONFIG) is None:
        yield from _file(guest, contents.CONFIG, directive.config, 0o644)
    if find(guest.fs, "/etc/udev") is not None:
        yield from _file(guest, _RULES, directive.rules, 0o644)
    yield from _file(guest, service, data, mode)
    for link in links:
        if link_target(guest.fs, link) != service:
            yield from put_directory(guest.fs, posixpath.dirname(link), reason=_REASON)
            yield MakeSymlink(path=link, target=service, reason=_REASON)
    if service == _INIT and find(guest.fs, "/etc/init.d/.depend.start") is not None:
        text = "this guest starts its services in an order that insserv computed; run `update-rc.d "
        yield Note(path=service, text=f"{text}{contents.NAME} defaults` in it once, or it may not start")


def _file(guest: Guest, path: str, data: bytes, mode: int) -> Iterator[Change]:
    yield from put_directory(guest.fs, posixpath.dirname(path), reason=_REASON)
    yield from put(guest.fs, path, data, mode=mode, exact=True, reason=_REASON, made_parent=True)


def _check_python(guest: Guest) -> None:
    there = guest.os.type == "linux" and find(guest.fs, _PYTHON) is not None
    if not there:
        raise CustomiseUnsupported(
            what=_WHAT,
            problem=f"the guest has no {_PYTHON}",
            advice=f"install Python 3.{_OLDEST} or later in it, then seal",
        )
    # /usr/bin/python3 -> python3.11, or -> /etc/alternatives/python3 -> …
    version = _VERSION.fullmatch(posixpath.basename(guest.fs.resolve(_PYTHON)))
    if version is not None and int(version[1]) < _OLDEST:
        raise CustomiseUnsupported(
            what=_WHAT,
            problem=f"the guest's Python is 3.{version[1]}",
            advice=f"it must be 3.{_OLDEST} or later",
        )


def _is_ostree(guest: Guest) -> bool:
    return any(find(guest.fs, path) is not None for path in ("/ostree", "/sysroot/ostree"))


def _service(directive: InstallAgent, guest: Guest, base: str) -> tuple[str, bytes, int, tuple[str, ...]]:
    """Path, content and mode of the service's file, and the links that enable it."""
    match guest.os.init:
        case "systemd":
            return _UNIT, contents.filled(directive.systemd, base), 0o644, (_WANTS,)
        case "openrc":
            return (
                _INIT,
                contents.filled(directive.openrc, base),
                0o755,
                (f"/etc/runlevels/default/{contents.NAME}",),
            )
        case "sysvinit" | "upstart":
            return (
                _INIT,
                contents.filled(directive.sysv, base),
                0o755,
                start_links(guest, contents.NAME, _WHAT),
            )
        case _:
            raise CustomiseUnsupported(
                what=_WHAT,
                problem=f"the guest's init system ({guest.os.init or 'unknown'}) is not supported",
                advice="systemd, OpenRC and System V init are",
            )
