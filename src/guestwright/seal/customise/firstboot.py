"""Scripts that run once, at the clone's first boot: the way to run code that sealing never runs.

Layout: `BASE/bin/run` and `BASE/bin/scripts/NNNN-name`, a service of the guest's init system that starts the
former, and the symlinks that enable it. A script that is there already, waiting, is not added again.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from guestwright.guestfs.port import FileKind
from guestwright.seal.changes import Change, MakeSymlink, Note
from guestwright.seal.customise import firstboot_files as files
from guestwright.seal.customise.checks import MAX_DATA
from guestwright.seal.customise.directives import FirstBoot, FirstBootCommand
from guestwright.seal.customise.errors import CustomiseUnsupported
from guestwright.seal.customise.looking import content, find, link_target, put, put_directory
from guestwright.seal.customise.services import start_links
from guestwright.seal.guest import Guest

MAX_SCRIPTS: Final = 9999
_REASON: Final = "first-boot script as asked for"
_NUMBERED: Final = re.compile(r"([0-9]{4})-(.+)", re.DOTALL)


def plan_firstboot(directive: FirstBoot, guest: Guest) -> Iterator[Change]:
    """Install a script and, the first time, the service that runs it.

    Raises:
        CustomiseUnsupported: not Linux, or an init system we have no service for.
    """
    yield from _plan(guest, directive.name, directive.script)


def plan_firstboot_command(directive: FirstBootCommand, guest: Guest) -> Iterator[Change]:
    """As `plan_firstboot`, with a script made of the command."""
    script = f"#!/bin/sh\n{directive.command}\n".encode("utf-8", "surrogateescape")
    yield from _plan(guest, "command", script)


def _plan(guest: Guest, name: str, script: bytes) -> Iterator[Change]:
    base = _base(guest)
    yield from _service(guest, base)
    scripts = f"{base}/{files.BIN}/scripts"
    path = _script_path(guest, scripts, name, script)
    if not path:
        return
    new = find(guest.fs, scripts) is None
    yield from put_directory(guest.fs, scripts, mode=0o700, reason=_REASON)
    yield from put(
        guest.fs, path, script, mode=0o700, exact=True, secret=True, reason=_REASON, made_parent=new
    )


def _base(guest: Guest) -> str:
    ostree = any(find(guest.fs, path) is not None for path in ("/ostree", "/sysroot/ostree"))
    return files.IMMUTABLE_BASE if ostree else files.USUAL_BASE


def _script_path(guest: Guest, scripts: str, name: str, script: bytes) -> str:
    """Where the script goes; "" when it waits there already."""
    last = 0
    for entry in guest.fs.listdir(scripts) if find(guest.fs, scripts) is not None else ():
        found = _NUMBERED.fullmatch(posixpath.basename(entry.path))
        if found is None or entry.stat.kind is not FileKind.FILE:
            continue
        same = found.group(2) == name and entry.stat.size == len(script)
        if same and content(guest.fs, entry.path, limit=MAX_DATA) == script:
            return ""
        last = max(last, int(found.group(1)))
    if last >= MAX_SCRIPTS:
        problem, advice = "there are too many scripts", f"remove some from {scripts}"
        raise CustomiseUnsupported(what="first-boot script", problem=problem, advice=advice)
    return f"{scripts}/{last + 1:04d}-{name}"


def _service(guest: Guest, base: str) -> Iterator[Change]:
    init = guest.os.init if guest.os.type == "linux" else ""
    links: tuple[str, ...]
    match init:
        case "systemd":
            path, data, links = files.UNIT, files.unit(base), (f"{files.WANTS}/{files.NAME}.service",)
            mode = 0o644
        case "openrc":
            path, data, links = (
                files.INIT_SCRIPT,
                files.openrc(base),
                (f"/etc/runlevels/default/{files.NAME}",),
            )
            mode = 0o755
        case "sysvinit" | "upstart":
            path, data, links = (
                files.INIT_SCRIPT,
                files.sysv(base),
                start_links(guest, files.NAME, "first-boot script"),
            )
            mode = 0o755
        case _:
            raise CustomiseUnsupported(
                what="first-boot script",
                problem=f"the guest's init system ({guest.os.init or 'unknown'}) is not supported",
                advice="systemd, OpenRC and System V init are",
            )
    runner = f"{base}/{files.BIN}/run"
    yield from put_directory(guest.fs, posixpath.dirname(runner), reason=_REASON)
    run = files.runner(base, links)
    yield from put(guest.fs, runner, run, mode=0o755, exact=True, reason=_REASON, made_parent=True)
    yield from put_directory(guest.fs, posixpath.dirname(path), reason=_REASON)
    yield from put(guest.fs, path, data, mode=mode, exact=True, reason=_REASON, made_parent=True)
    for link in links:
        if link_target(guest.fs, link) != path:
            yield from put_directory(guest.fs, posixpath.dirname(link), reason=_REASON)
            yield MakeSymlink(path=link, target=path, reason=_REASON)
    if mode == 0o755 and find(guest.fs, "/etc/init.d/.depend.start") is not None:
        yield Note(
            path=path,
            text="this guest starts its services in an order that insserv computed; run `update-rc.d "
            f"{files.NAME} defaults` in it once, or its first-boot scripts may not run",
        )
