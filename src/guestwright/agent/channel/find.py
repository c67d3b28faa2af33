"""Which channel to the host this guest has."""

from __future__ import annotations

import os
import stat

from guestwright.agent.channel.transport import Port, Transport, UnixSocket, Xenbus
from guestwright.agent.unix.files import Files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

PORT_NAME: Final = "org.guestwright.xenstore.0"
_DEVICES: Final = ("/dev/xen/xenbus", "/proc/xen/xenbus", "/dev/xen/xenstore")
_PORTS: Final = "/sys/class/virtio-ports"
_NAME_MAX: Final = 256  # bytes of a port's name


def find(path: str = "", root: str = "/") -> tuple[type[Transport], str] | None:
    """The kind of channel and where it is; None when this guest has none.

    Args:
        path: of a socket, of Xen's device or of a port, when the caller knows better.
        root: of the file system to look in.
    """
    if path:
        return _kind(path), path
    for device in _DEVICES:
        if _is_device(root, device):
            return Xenbus, _below(root, device)
    named = f"/dev/virtio-ports/{PORT_NAME}"
    if _is_device(root, named):
        return Port, _below(root, named)
    for name in _listed(_below(root, _PORTS)):
        if Files().text(os.path.join(_below(root, _PORTS), name, "name"), _NAME_MAX) == PORT_NAME:
            return Port, _below(root, f"/dev/{name}")
    return None


def opened(path: str = "", root: str = "/") -> Transport | None:
    """The channel, open; None when there is none. OSError when it cannot be opened."""
    found = find(path, root)
    if found is None:
        return None
    kind, where = found
    return kind(where)  # type: ignore[arg-type]  # each kind takes a path


def _kind(path: str) -> type[Transport]:
    if path.rsplit("/", 1)[-1] in {"xenbus", "xenstore"}:
        return Xenbus
    try:
        return Port if stat.S_ISCHR(os.stat(path).st_mode) else UnixSocket
    except OSError:
        return UnixSocket


def _below(root: str, path: str) -> str:
    return root.rstrip("/") + path


def _is_device(root: str, path: str) -> bool:
    """Whether it is there; below another root, where tests are, any file will do."""
    try:
        mode = os.stat(_below(root, path)).st_mode
    except OSError:
        return False
    return root != "/" or stat.S_ISCHR(mode)


def _listed(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []
