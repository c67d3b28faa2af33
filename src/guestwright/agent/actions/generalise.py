"""Make this guest forget who it is, from the inside: what sysprep does without a command of the owner's.

Theory of operation: the same matters as `guestwright seal` handles, as far as a running system can do
without them: identity, keys, leases and the state of cloud-init. Logs and accounts stay. What is made anew
at the next boot is removed; nothing is followed out of its directory.
"""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

# What is removed, files and directories; a name may end in `*`.
REMOVED: Final = (
    "/etc/ssh/ssh_host_*",
    "/var/lib/dbus/machine-id",
    "/var/lib/systemd/random-seed",
    "/var/lib/systemd/credential.secret",
    "/var/lib/urandom/random-seed",
    "/var/lib/cloud/*",
    "/var/lib/dhcp/*",
    "/var/lib/dhclient/*",
    "/var/lib/dhcpcd/*",
    "/var/lib/NetworkManager/*",
    "/etc/udev/rules.d/70-persistent-*",
)
# Emptied: systemd makes a new one where the file is empty.
EMPTIED: Final = ("/etc/machine-id",)
_SEED: Final = "/var/lib/cloud/seed/nocloud"
_DEPTH_MAX: Final = 32
_CLOUD_CONFIG: Final = b"#cloud-config"


def generalise(root: str, answers: bytes) -> Iterator[str]:
    """Do it step by step.

    Args:
        root: of the file system.
        answers: what the host gave; a cloud-config becomes the seed of cloud-init's next first boot.

    Yields:
        What has been done.

    Raises:
        OSError: something cannot be removed.
    """
    top = root.rstrip("/")
    for pattern in REMOVED:
        if _remove(top, pattern):
            yield pattern
    for path in EMPTIED:
        if os.path.lexists(top + path):
            fd = os.open(top + path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC)
            os.close(fd)
            yield path
    if answers.startswith(_CLOUD_CONFIG):
        os.makedirs(top + _SEED, 0o755, exist_ok=True)
        _write(f"{top}{_SEED}/user-data", answers)
        _write(f"{top}{_SEED}/meta-data", b"instance-id: %s\n" % os.urandom(16).hex().encode())
        yield _SEED
    os.sync()


def _remove(top: str, pattern: str) -> bool:
    directory, name = os.path.split(pattern)
    if os.path.realpath(top + directory) != os.path.realpath(top or "/").rstrip("/") + directory:
        return False  # a link leads elsewhere
    try:
        names = os.listdir(top + directory)
    except OSError:
        return False
    start = name.rstrip("*")
    found = [one for one in names if (one.startswith(start) if name.endswith("*") else one == name)]
    for one in found:
        _tree(f"{top}{directory}/{one}", 0)
    return bool(found)


def _tree(path: str, depth: int) -> None:
    if depth < _DEPTH_MAX and stat.S_ISDIR(os.lstat(path).st_mode):
        for name in os.listdir(path):
            _tree(f"{path}/{name}", depth + 1)
        os.rmdir(path)
    else:
        os.unlink(path)


def _write(path: str, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        while data:
            data = data[os.write(fd, data) :]
        os.fsync(fd)
    finally:
        os.close(fd)
