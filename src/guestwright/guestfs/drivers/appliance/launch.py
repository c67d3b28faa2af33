"""Starting the appliance: which accelerator, how confined, and for how long we wait.

Theory of operation: LIBGUESTFS_BACKEND and LIBGUESTFS_BACKEND_SETTINGS are honoured when they are set.
Otherwise the backend is `direct` (no libvirt daemon), and KVM is used where it works. Some hosts have a
/dev/kvm that opens but never runs a kernel (nested virtualisation half configured); libguestfs would wait for
ever. So with accelerator `auto` KVM gets `_KVM_SECONDS` from the moment the hypervisor runs; after that it is
killed, the verdict is remembered until the next reboot, and the appliance starts again with TCG, qemu's
translator, which works everywhere but is some ten times slower.

Confinement: a hostile filesystem is parsed by the appliance's kernel, not ours. Next comes qemu. It has no
network device; seccomp forbids it to start programs; core dumps are off; its files cannot grow without
bounds; and when we are root, it gives up root and all files before the guest starts running (uid and gid
65534, chroot into an empty directory). What it keeps are its open files: the overlays, and the images, which
it opened for reading only.
A user who is not root runs qemu as himself, with seccomp only.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from guestwright.base.errors import UsageError
from guestwright.base.progress import Progress, Step
from guestwright.guestfs.drivers.appliance import bindings
from guestwright.guestfs.drivers.appliance.handle import CallFailed, Handle
from guestwright.guestfs.errors import DriverFailed

ACCELERATION: Final = "GUESTWRIGHT_APPLIANCE_ACCEL"
_KVM_SECONDS: Final = 40.0
_LAUNCH_SECONDS: Final = 600.0
_OVERLAY_SLACK: Final = 1 << 30
_NOBODY: Final = "65534:65534"
_SECCOMP: Final = "on,obsolete=deny,{elevate}spawn=deny,resourcecontrol=deny"
_OURS: Final = ("qemu", "kvm", "supermin")


@dataclass(slots=True)
class Hypervisor:
    """The processes that libguestfs started for us, found by name among our children."""

    before: frozenset[int] = field(default_factory=lambda: frozenset(_children()))

    def running(self, names: Sequence[str] = _OURS) -> list[int]:
        """Process ids of our hypervisor (or of the appliance's builder)."""
        return [
            pid for pid in _children() if pid not in self.before and _command(pid).startswith(tuple(names))
        ]

    def kill(self) -> None:
        """End them."""
        for pid in self.running():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def start(overlays: Sequence[str], jail: str, *, sizes: int, progress: Progress) -> Handle:
    """Start an appliance over qcow2 files.

    Args:
        overlays: paths of the disks, in order.
        jail: an empty directory, where qemu ends up when we are root.
        sizes: sum of the disks' sizes in bytes; bounds the files that qemu may write.
        progress: told about it.

    Returns:
        A launched handle.

    Raises:
        DriverFailed: it did not start in time, with what was heard of it.
        DriverMissing: no libguestfs.
        UsageError: the environment asks for an accelerator that does not exist.
    """
    wanted = _wanted()
    hung = False
    for accelerator in wanted:
        progress(Step(name="appliance", done=0, total=1, text=f"starting the appliance ({accelerator})"))
        last = accelerator == wanted[-1]
        try:
            handle = _attempt(accelerator, overlays, jail, sizes, last=last)
        except DriverFailed:
            if last:
                raise
            hung = True
            continue
        if hung:  # and the same without KVM works
            _remember_hanging_kvm()
        progress(Step(name="appliance", done=1, total=1, text="the appliance runs"))
        return handle
    raise AssertionError("_wanted() names at least one accelerator")


def _wanted() -> Sequence[str]:
    asked = os.environ.get(ACCELERATION, "auto")
    if asked not in ("auto", "kvm", "tcg"):
        raise UsageError(problem=f"{ACCELERATION} is {asked}; it takes auto, kvm or tcg")
    if asked != "auto":
        return (asked,)
    if "LIBGUESTFS_BACKEND_SETTINGS" in os.environ:
        return ("as LIBGUESTFS_BACKEND_SETTINGS says",)
    if not os.access("/dev/kvm", os.R_OK | os.W_OK) or _kvm_known_to_hang():
        return ("tcg",)
    return ("kvm", "tcg")


def _attempt(accelerator: str, overlays: Sequence[str], jail: str, sizes: int, *, last: bool) -> Handle:
    hypervisor = Hypervisor()
    handle = Handle(kill=hypervisor.kill)
    try:
        if "LIBGUESTFS_BACKEND" not in os.environ:
            handle.run("set_backend", "direct")
        if accelerator == "tcg":
            handle.run("set_backend_setting", "force_tcg", "1")
        handle.run("set_network", 0)
        for path in overlays:
            handle.run("add_drive_opts_argv", path, _drive_options())
        if os.environ.get("LIBGUESTFS_BACKEND", "direct") == "direct":
            _confine(handle, jail)
        impatience = threading.Event()
        if not last:
            threading.Thread(target=_hurry, args=(hypervisor, impatience), daemon=True).start()
        try:
            handle.run("launch", seconds=_LAUNCH_SECONDS)
        finally:
            impatience.set()
        _bound(hypervisor, sizes)
        handle.number("umask", 0o077)
    except CallFailed as problem:
        handle.close()
        raise DriverFailed(driver="appliance", detail=problem.detail) from problem
    except BaseException:
        handle.close()
        raise
    return handle


def _drive_options() -> bindings.AddDriveOpts:
    options = bindings.AddDriveOpts(format=b"qcow2", cachemode=b"unsafe")
    options.bitmask = bindings.AddDriveOpts.FORMAT | bindings.AddDriveOpts.CACHEMODE
    return options


def _confine(handle: Handle, jail: str) -> None:
    root = os.geteuid() == 0
    # Changing the user is what -runas does after the filter is in place; it is forbidden to everybody else.
    handle.run("config", "-sandbox", _SECCOMP.format(elevate="" if root else "elevateprivileges=deny,"))
    if not root:
        return
    # -chroot and -runas became -run-with in qemu 8.1 and 9.1 (its "Deprecated features" page)
    version = _qemu_version(handle.text("get_hv"))
    if version >= (9, 1):
        handle.run("config", "-run-with", f"chroot={jail},user={_NOBODY}")
        return
    if version >= (8, 1):
        handle.run("config", "-run-with", f"chroot={jail}")
    else:
        handle.run("config", "-chroot", jail)
    handle.run("config", "-runas", _NOBODY)


def _qemu_version(path: str) -> tuple[int, int]:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise DriverFailed(driver="appliance", detail=f"{path} does not run: {problem}") from problem
    found = re.search(rb"version (\d{1,4})\.(\d{1,4})", done.stdout)
    if not found:
        raise DriverFailed(driver="appliance", detail=f"{path} does not tell its version")
    return int(found[1]), int(found[2])


def _bound(hypervisor: Hypervisor, sizes: int) -> None:
    for pid in hypervisor.running(("qemu", "kvm")):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
            bound = 2 * sizes + _OVERLAY_SLACK
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (bound, bound))


def _hurry(hypervisor: Hypervisor, done: threading.Event) -> None:
    """Kill a hypervisor that runs for `_KVM_SECONDS` and has not answered; building the appliance is free."""
    seen = 0.0
    while not done.wait(0.5):
        running = hypervisor.running(("qemu", "kvm"))
        seen = (seen or time.monotonic()) if running else 0.0
        if seen and time.monotonic() - seen > _KVM_SECONDS:
            hypervisor.kill()
            return


def _children() -> list[int]:
    found: list[int] = []
    own = str(os.getpid())
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as status:
            if status.read(4096).rpartition(b")")[2].split()[1].decode() == own:
                found.append(int(name))
    return found


def _command(pid: int) -> str:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/comm", "rb") as comm:
        return os.fsdecode(comm.read(64).strip())
    return ""


# -- a KVM that hangs is remembered until the next reboot ----------------------------------------------------


def _verdict_path() -> str:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(home, "guestwright", "kvm-hangs")


def _boot_id() -> bytes:
    with open("/proc/sys/kernel/random/boot_id", "rb") as source:
        return source.read(64)


def _kvm_known_to_hang() -> bool:
    try:
        with open(_verdict_path(), "rb") as verdict:
            return verdict.read(64) == _boot_id()
    except OSError:
        return False


def _remember_hanging_kvm() -> None:
    path = _verdict_path()
    with contextlib.suppress(OSError):  # only a saving of time
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(path, "wb") as verdict:
            verdict.write(_boot_id())
