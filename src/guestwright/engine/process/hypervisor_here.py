"""The hypervisor of this machine: the system's, one that libvirt embeds into the host service, or none.

Theory of operation: an embedded QEMU driver needs no daemon, and machines run on when it ends; the next host
service finds them. It belongs to the process that has opened it, so another one looks whether it works.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

from guestwright.engine.process import directories
from guestwright.engine.process.errors import EngineDirectoryUnfit, NoHypervisorHere
from guestwright.engine.process.settings import HOST_SETTINGS, Settings
from guestwright.host.enrol.files import write_whole
from guestwright.host.service import configuration
from guestwright.hypervisor.errors import HypervisorError
from guestwright.hypervisor.open_hypervisor import open_hypervisor

SYSTEM: Final = "qemu:///system"
EMBED: Final = "qemu:///embed"
FAKE: Final = "fake:///"
_ROOT: Final = "qemu"
_LOOK: Final = 60.0
_SEARCH: Final = 0o711  # QEMU gets at what is its own below
_QEMU_CONF: Final = """\
# Settings of libvirt's embedded QEMU driver, made by `guestwright up`; yours to change.
# Consoles are written to files by QEMU itself, since there is no virtlogd.
stdio_handler = "file"
"""


def hypervisor_uri(wanted: str, settings: Settings) -> str:
    """The hypervisor of this machine.

    Args:
        wanted: "fake", "embed" for a QEMU driver that is the host service's own, a URI of libvirt's, or ""
            for that of the host service's settings, which is the system's QEMU at the first run.
        settings: of the engine.

    Raises:
        NoHypervisorHere: it does not answer.
        EngineDirectoryUnfit: the directory cannot be made.
        BadConfiguration: that of the host service cannot be read.
    """
    short = {"fake": FAKE, "embed": f"{EMBED}?root={settings.path(_ROOT)}"}
    uri = short.get(wanted, wanted) or _known(settings)
    if uri.startswith(EMBED):
        directories.make(settings.directory)  # first: libvirt makes what it needs for itself alone
        if wanted == "embed":
            _configure(settings.path(_ROOT))
        _look_apart(uri)
        return uri
    try:
        open_hypervisor(uri).close()
    except HypervisorError as error:
        raise NoHypervisorHere(uri=uri, problem=error.message) from error
    return uri


def _known(settings: Settings) -> str:
    """The hypervisor of a former run."""
    path = settings.path(HOST_SETTINGS)
    return configuration.load(path).uri if os.path.exists(path) else SYSTEM


def _configure(root: str) -> None:
    """Have an embedded QEMU driver need no daemon of libvirt's; a file that is there is left as it is."""
    path = os.path.join(root, "etc", "qemu.conf")
    if os.path.exists(path):
        return
    try:
        for one in (root, os.path.dirname(path)):
            os.makedirs(one, exist_ok=True)
            os.chmod(one, _SEARCH)
        write_whole(path, _QEMU_CONF.encode())
    except OSError as error:
        raise EngineDirectoryUnfit(directory=root, problem=error.strerror or str(error)) from error


def _look_apart(uri: str) -> None:
    """As above, in a process of its own: see `look_main`."""
    argv = [sys.executable, "-P", "-m", "guestwright.engine.process.look_main", uri]
    try:
        done = subprocess.run(
            argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_LOOK, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NoHypervisorHere(uri=uri, problem=f"no answer within {_LOOK:.0f} s") from error
    if done.returncode != 0:
        problem = done.stdout.decode("utf-8", "replace") or f"it ended with status {done.returncode}"
        raise NoHypervisorHere(uri=uri, problem=problem)
