"""Confined processes: our own forked workers, and other people's tools.

Theory of operation: whatever parses guest data runs in a process that cannot reach the host. Protections are
put on in the order in which each still can be: namespaces need privileges, then identity and capabilities go,
then Landlock (needs no_new_privs), limits, and the system call filter last, as it refuses all the calls
before. A kernel that lacks one of them gives a weaker `Held`, not a failure, as long as `Held.enough`.

Between fork and exec only the child's own state is touched. What goes wrong there reaches the parent through
a close-on-exec pipe: first the `Held`, then, if exec failed, the stage and reason.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, NoReturn

from guestwright.base.record import record
from guestwright.confine import descriptors, forking, landlock, limits, namespaces, privileges, seccomp
from guestwright.confine.child import Child
from guestwright.confine.errors import ConfinementMissing, ToolMissing, ToolNotStarted
from guestwright.confine.held import Held
from guestwright.confine.limits import WORKER_LIMITS, Limits

PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT: Final = {"PATH": PATH, "LC_ALL": "C"}
_LIBRARIES: Final = ("/usr", "/lib", "/lib64", "/bin", "/sbin")
_LOADER: Final = ("/etc/ld.so.cache",)
_DEVICES: Final = ("/dev/null",)
_REPORT_LIMIT: Final = 4096
_FAILED: Final = 127


@record
class Access:
    """Paths that a tool may use besides the system's programs and libraries; see `landlock.restrict`."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    execute: tuple[str, ...] = ()


TOOL_LIMITS: Final = Limits(cpu_seconds=600, memory=4 << 30, file_size=None, open_files=256, processes=None)
"""For tools whose caller sets nothing tighter."""


def confine_worker(*, keep_fds: Sequence[int], limits: Limits = WORKER_LIMITS, require: bool = True) -> Held:
    """Take everything from the calling process but memory, the processor and `keep_fds`.

    For a freshly forked child with a single thread. Everything it will ever import must be imported by
    now: afterwards it can open no file at all. It is killed when its parent ends.

    Args:
        keep_fds: descriptors that stay open, all others are closed, standard streams included.
        limits: resource limits; the defaults suit a worker that needs less than 1 GiB.
        require: refuse to go on when `Held.enough` is not met.

    Returns:
        What really holds.

    Raises:
        ConfinementMissing: neither Landlock nor the mount namespace could be had.
        OSError: the kernel refused a step that it offers.
    """
    parent = os.getppid()
    descriptors.close_all_but(keep_fds)
    held = namespaces.enter()
    if held.mount_namespace:
        held = held.also(empty_root=namespaces.empty_root())
    held = _lose_privileges(held, drop_user=True)
    held = _restrict_files(held, Access(), network=False)
    privileges.die_with_parent(parent)
    held = _limit(held, limits)
    privileges.hide()
    held = held.also(seccomp=seccomp.install(seccomp.worker_policy(os.getpid())))
    if require and not held.enough:
        raise ConfinementMissing(what="a worker", detail=_detail(held))
    return held


def find_tool(name: str, package: str) -> str:
    """Absolute path of a program, looked for in the system's directories only.

    Raises:
        ToolMissing: it is in none of them; `package` is what the hint names.
    """
    for directory in PATH.split(":"):
        path = f"{directory}/{name}"
        if os.access(path, os.X_OK):
            return path
    raise ToolMissing(tool=name, package=package)


class _Order(NamedTuple):
    """Everything the child needs to know."""

    argv: Sequence[str]
    access: Access
    limits: Limits
    fds: dict[int, int]
    network: bool
    env: Mapping[str, str] | Callable[[], Mapping[str, str]]
    setup: Callable[[Held], object] | None
    drop_user: bool
    require: bool
    parent: int


_NOTHING = Access()


def spawn(
    argv: Sequence[str],
    *,
    access: Access = _NOTHING,
    limits: Limits = TOOL_LIMITS,
    pass_fds: Sequence[int] | Mapping[int, int] = (),
    network: bool = False,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    env: Mapping[str, str] | Callable[[], Mapping[str, str]] = ENVIRONMENT,
    setup: Callable[[Held], object] | None = None,
    drop_user: bool = True,
    require: bool = True,
) -> Child:
    """Start a host tool, confined, in a session of its own. It is killed when this thread ends.

    Args:
        argv: program (absolute, see `find_tool`) and arguments. No guest-chosen text belongs here.
        access: files beyond programs, libraries and /dev/null.
        limits: resource limits.
        pass_fds: descriptors to keep under their numbers, or a mapping of number in the tool to descriptor
            here; numbers 0 to 2 are the next three.
        network: leave the host's network and TCP within reach.
        stdin: descriptor, None is /dev/null; so for the next two.
        stdout: see `stdin`.
        stderr: see `stdin`.
        env: the whole environment, or a function that gives it, called in the child.
        setup: called in the child once it is in its namespaces and still privileged in them, with what it
            holds so far.
        drop_user: run as nobody when we are root. Otherwise root keeps its uid and CAP_DAC_OVERRIDE alone, to
            open the files that `access` names whoever owns them.
        require: refuse to start when `Held.enough` is not met.

    Returns:
        The running child; its program has been executed.

    Raises:
        ToolNotStarted: something between fork and exec failed; `stage` says what.
        ConfinementMissing: see `require`.
    """
    fds = dict(pass_fds) if isinstance(pass_fds, Mapping) else {number: number for number in pass_fds}
    order = _Order(argv, access, limits, fds, network, env, setup, drop_user, require, os.getpid())
    return _start(order, (stdin, stdout, stderr))


def _start(order: _Order, streams: Sequence[int | None]) -> Child:
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    try:
        for number, descriptor in enumerate(streams):
            order.fds[number] = null if descriptor is None else descriptor
        return _fork(order)
    finally:
        os.close(null)


def _fork(order: _Order) -> Child:
    report, tell = os.pipe2(os.O_CLOEXEC)
    with os.fdopen(report, "rb") as told:
        pid = forking.fork()
        if pid == 0:
            _become(order, tell)
        os.close(tell)
        return _started(pid, order.argv[0], told.read())


def _started(pid: int, program: str, report: bytes) -> Child:
    tool = os.path.basename(program)
    line, _, failure = report.partition(b"\n")
    if not failure and line:
        return Child(pid=pid, tool=tool, held=Held.from_bytes(line))
    os.waitpid(pid, 0)
    stage, _, detail = failure.decode("utf-8", "surrogateescape").partition("\n")
    if stage == "confinement":
        raise ConfinementMissing(what=tool, detail=detail)
    raise ToolNotStarted(tool=tool, stage=stage or "start", detail=detail or "the child ended without a word")


def _become(order: _Order, tell: int) -> NoReturn:
    """The child's side: confine, then exec. Never returns, whatever happens."""
    gc.disable()  # a collection would touch, and so copy, every page of the parent
    stage = "namespaces"
    held = Held()
    try:
        os.setsid()
        os.umask(0o077)
        held = namespaces.enter(network=order.network)
        stage = "setup"
        if order.setup is not None:
            order.setup(held)
        stage = "descriptors"
        env = dict(order.env() if callable(order.env) else order.env)
        tell = _clear_the_way(order, tell)
        stage = "privileges"
        held = _lose_privileges(held, drop_user=order.drop_user)
        stage = "landlock"
        held = _restrict_files(held, _with_system(order.access), network=order.network)
        privileges.die_with_parent(order.parent)
        stage = "limits"
        held = _limit(held, order.limits)
        stage = "seccomp"
        held = held.also(seccomp=seccomp.install(seccomp.tool_policy(network=order.network)))
        stage = "confinement"
        if order.require and not held.enough:
            _fail(held)
        stage = "exec"
        _restore_signals()
        os.write(tell, held.to_bytes() + b"\n")
        os.execve(order.argv[0], list(order.argv), env)  # noqa: S606 - no shell is the point
    except BaseException as failure:  # noqa: BLE001 - the child must end here; the parent hears why
        head = b"" if stage == "exec" else held.to_bytes() + b"\n"
        _say(tell, head + f"{stage}\n{failure}".encode("utf-8", "surrogateescape"))
    os._exit(_FAILED)


def _fail(held: Held) -> NoReturn:
    raise PermissionError(_detail(held))


def _clear_the_way(order: _Order, tell: int) -> int:
    """Arrange descriptors, close all others, leave the current directory; returns the new report pipe."""
    top = max((*order.fds, 2)) + 1
    descriptors.arrange({**order.fds, top: tell})
    os.set_inheritable(top, False)
    descriptors.close_all_but((*order.fds, top))
    os.chdir("/")
    return top


def _with_system(access: Access) -> Access:
    return Access(
        read=(*access.read, *_LOADER),
        write=(*access.write, *_DEVICES),
        execute=(*access.execute, *_LIBRARIES),
    )


def _lose_privileges(held: Held, *, drop_user: bool) -> Held:
    real_root = os.geteuid() == 0 and not held.user_namespace
    keep = 1 << privileges.CAP_DAC_OVERRIDE if real_root and not drop_user else 0
    if real_root and drop_user:
        # The bounding set can be shrunk only while we hold CAP_SETPCAP, and the uid changed only while we
        # hold CAP_SETUID; so capabilities are dropped after the uid, the bounding set before.
        privileges.shrink_bounding_set()
        held = held.also(user_dropped=privileges.drop_user())
    return held.also(
        capabilities_dropped=privileges.drop_capabilities(keep),
        no_new_privileges=privileges.forbid_new_privileges(),
    )


def _restrict_files(held: Held, access: Access, *, network: bool) -> Held:
    got = landlock.restrict(read=access.read, write=access.write, execute=access.execute, network=network)
    return held.also(
        landlock=got.landlock, landlock_network=got.landlock_network, landlock_scope=got.landlock_scope
    )


def _limit(held: Held, wanted: Limits) -> Held:
    limits.apply(wanted)
    return held.also(limits=True)


def _restore_signals() -> None:
    """What Python ignores would stay ignored in the tool."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _detail(held: Held) -> str:
    return "not held: " + ", ".join(held.missing())


def _say(tell: int, text: bytes) -> None:
    with contextlib.suppress(OSError):
        os.write(tell, text[:_REPORT_LIMIT])
