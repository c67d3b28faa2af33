"""This machine as a host of the engine: its settings, and its row in the inventory."""

from __future__ import annotations

import grp
import hashlib
import json
import os
import pwd
import socket
import stat
from collections.abc import Callable
from typing import Final

from guestwright.engine.hosts.address import UNIX
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.ids import new_id
from guestwright.engine.inventory.model import Host
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.process.errors import EngineDirectoryUnfit
from guestwright.engine.process.hypervisor_here import EMBED, SYSTEM
from guestwright.engine.process.settings import HOST_SETTINGS, Settings
from guestwright.host.enrol.files import write_whole
from guestwright.host.media.shelf import file_system

_QEMU: Final = (("libvirt-qemu", "kvm"), ("qemu", "qemu"))
"""Whom QEMU runs as under libvirt: on Debian and its kin, on others."""
_SOCKET_MAX: Final = 107  # bytes, unix(7)
_SHARED: Final = "/dev/shm"  # noqa: S108 - whoever has made what is there is looked at
_IN_MEMORY: Final = frozenset(("tmpfs", "ramfs"))
_STATE_MAX: Final = 80  # of a directory of the host service


def write_settings(settings: Settings, uri: str, *, emulate: bool = False) -> str:
    """The file of settings of the host service; one that is there is left as it is.

    Args:
        settings: of the engine.
        uri: of the hypervisor.
        emulate: whether machines are made without KVM.

    Returns:
        Its path.

    Raises:
        EngineDirectoryUnfit: the directory's path is too long for what belongs there.
        AuthorityNotKept: it cannot be written.
    """
    path = settings.path(HOST_SETTINGS)
    long = len(os.fsencode(socket_path(settings))) > _SOCKET_MAX
    if long or len(os.fsencode(settings.path("host"))) > _STATE_MAX:
        problem = f"its path is too long: with /host it may have {_STATE_MAX} bytes"
        raise EngineDirectoryUnfit(directory=settings.directory, problem=problem)
    if not os.path.exists(path):
        write_whole(path, _text(settings, uri, emulate=emulate).encode())
    return path


def socket_path(settings: Settings) -> str:
    """Where the host service answers."""
    return settings.path("api.sock")


def runtime_directory(directory: str) -> str:
    """Where the host service has what must be in memory: a place for each directory of an engine.

    Raises:
        EngineDirectoryUnfit: somebody else has made it.
    """
    own = f"guestwright-up-{hashlib.sha256(os.fsencode(directory)).hexdigest()[:8]}"
    above = "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", "")
    if above and file_system(above) in _IN_MEMORY:
        return os.path.join(above, own)
    made = os.path.join(_SHARED, f"{own}-{os.geteuid()}")
    try:
        os.mkdir(made, 0o700)
        os.chmod(made, 0o711)  # noqa: S103 - QEMU gets at media in it
    except FileExistsError as error:
        there = os.lstat(made)
        if not stat.S_ISDIR(there.st_mode) or there.st_uid != os.geteuid() or there.st_mode & 0o022:
            raise EngineDirectoryUnfit(directory=made, problem="it is somebody else's") from error
    except OSError as error:
        raise EngineDirectoryUnfit(directory=made, problem=error.strerror or str(error)) from error
    return made


def register(
    database: Database, address: str, randomness: Callable[[int], bytes] = os.urandom, name: str = ""
) -> Host:
    """Have this machine in the inventory, once.

    Args:
        database: the inventory.
        address: path of the host service's socket.
        randomness: so many bytes.
        name: of the host; this machine's own without.
    """
    wanted = name or socket.gethostname() or "this-machine"
    with database.write() as tx:
        known = tx.hosts.all(Filter("address", Op.IS, UNIX + address), most=1)
        if known:
            return known[0]
        id_ = new_id(tx.now, randomness(10))
        free = wanted if tx.hosts.named(wanted) is None else f"{wanted}-{id_[-6:]}"
        return tx.hosts.add(Host(id=id_, name=free, address=UNIX + address))


def _text(settings: Settings, uri: str, *, emulate: bool) -> str:
    runtime = runtime_directory(settings.directory)
    lines = [
        "# Settings of the host service of `guestwright up`, made at its first run; yours to change.",
        "[hypervisor]",
        f"uri = {_quoted(uri)}",
        *(["emulate = true"] if emulate else []),
        "[directories]",
        f"state = {_quoted(settings.path('host'))}",
        f"runtime = {_quoted(runtime)}",
        "[api]",
        f"socket = {_quoted(socket_path(settings))}",
        "[volumes]",
        f"main = {_quoted(settings.path('volumes'))}",
        "[allow]",
        'operations = ["exec", "file", "clipboard", "set-hostname"]',
        "[log]",
        f"level = {_quoted(settings.log_level)}",
        f"format = {_quoted(settings.log_format)}",
    ]
    if os.geteuid() != 0 or uri.startswith("fake:"):
        lines += ["[channels]", f"directory = {_quoted(os.path.join(runtime, 'ports'))}"]
    owner = _qemu()
    if owner and os.geteuid() == 0 and uri.startswith((SYSTEM, EMBED)):
        lines += ["[media]", f"owner = {_quoted(owner)}"]
    return "\n".join(lines) + "\n"


def _qemu() -> str:
    for user, group in _QEMU:
        try:
            pwd.getpwnam(user)
            grp.getgrnam(group)
        except KeyError:
            continue
        return f"{user}:{group}"
    return ""


def _quoted(value: str) -> str:
    """A text of TOML: its basic strings have JSON's escapes."""
    return json.dumps(value, ensure_ascii=False)
