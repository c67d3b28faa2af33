"""Programs that the agent runs, without `subprocess`: its import alone costs more than a megabyte.

Theory of operation: a child gets a session of its own, so that it can be killed with all that it started,
and only the three standard descriptors. What goes wrong between fork and exec comes back through a pipe
that exec closes.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # no stubs; `signal` would cost a megabyte
import os

from guestwright.agent.tasks import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final

    from guestwright.agent.loop import Loop

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SIGTERM: Final[int] = _signal.SIGTERM
SIGKILL: Final[int] = getattr(_signal, "SIGKILL", 9)  # Windows has none
_OUTPUT_MAX: Final = 1 << 16
_DESCRIPTORS: Final = 1024


class User:
    """Who a child runs as.

    Attributes:
        name: of the user.
        uid: number of the user.
        gid: number of the main group.
        home: directory.
        shell: login shell.
    """

    __slots__ = ("gid", "home", "name", "shell", "uid")

    def __init__(self, name: str, uid: int, gid: int, home: str, shell: str) -> None:
        self.name = name
        self.uid = uid
        self.gid = gid
        self.home = home
        self.shell = shell


def user(name: str) -> User | None:
    """Look a user up; None when there is none of that name."""
    import pwd  # noqa: PLC0415  # only needed here

    try:
        found = pwd.getpwnam(name)
    except (KeyError, ValueError):
        return None
    return User(found.pw_name, found.pw_uid, found.pw_gid, found.pw_dir, found.pw_shell)


def spawn(
    argv: Sequence[str],
    descriptors: tuple[int, int, int],
    *,
    environment: Mapping[str, str] | None = None,
    directory: str = "/",
    who: User | None = None,
) -> int:
    """Start a program in a session of its own.

    Args:
        argv: program, by its path or to be looked for on `PATH`, and arguments.
        descriptors: its standard input, output and error.
        environment: all of it; by default `PATH` only.
        directory: that it runs in.
        who: whom it runs as; by default the agent's user.

    Returns:
        The process id.

    Raises:
        OSError: it could not be started.
    """
    environment = {"PATH": PATH} if environment is None else environment
    told, tell = os.pipe2(os.O_CLOEXEC)
    try:
        pid = os.fork()
        if not pid:
            _become(argv, descriptors, environment, directory, who, tell)
    except OSError:
        os.close(told)
        raise
    finally:
        os.close(tell)
    try:
        problem = os.read(told, 16)
    finally:
        os.close(told)
    if problem:
        os.waitpid(pid, 0)
        number = int(problem)
        raise OSError(number, os.strerror(number))
    return pid


def _become(
    argv: Sequence[str],
    descriptors: tuple[int, int, int],
    environment: Mapping[str, str],
    directory: str,
    who: User | None,
    tell: int,
) -> None:
    """Turn this process, which is a child, into the program."""
    number = 0
    try:
        _signal.set_wakeup_fd(-1)
        os.setsid()
        for one in range(1, _signal.NSIG):
            if one not in {_signal.SIGKILL, _signal.SIGSTOP}:
                try:
                    _signal.signal(one, _signal.SIG_DFL)
                except (OSError, ValueError):
                    continue  # a number that the kernel keeps to itself
        # First out of the way of 0 to 2, then there.
        high = [os.dup(fd) for fd in descriptors]
        while min(high) < 3:
            high = [os.dup(fd) for fd in high]
        for target, fd in enumerate(high):
            os.dup2(fd, target)
        # Ours are closed by exec; these are what the service manager may have left.
        os.closerange(3, tell)
        os.closerange(tell + 1, _DESCRIPTORS)
        if who is not None and os.geteuid() == 0:
            os.initgroups(who.name, who.gid)
            os.setgid(who.gid)
            os.setuid(who.uid)
        os.umask(0o022)
        os.chdir(directory)
        os.execvpe(argv[0], list(argv), dict(environment))  # noqa: S606  # no shell is wanted
    except OSError as error:
        number = error.errno or 1
    except BaseException:  # noqa: BLE001  # a child must never return into the agent
        number = 1
    finally:
        os.write(tell, b"%d" % number)
        os._exit(127)


def kill(pid: int, number: int) -> None:
    """Send a signal to a child and all in its session that did not leave its process group."""
    try:
        os.killpg(pid, number)
    except OSError:
        return  # it has ended


def forked(work: Callable[[], object], *, keep: tuple[int, ...]) -> int:
    """Do something in a child of our own; its process id.

    Args:
        work: what it does; nothing of the agent goes on in the child.
        keep: descriptors that the child has; all others are closed.
    """
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        _signal.set_wakeup_fd(-1)
        os.setsid()
        for number in (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP):
            _signal.signal(number, _signal.SIG_IGN)  # it ends by itself, and must not before
        before = 3
        for fd in sorted(keep):
            os.closerange(before, fd)
            before = fd + 1
        os.closerange(before, _DESCRIPTORS)
        work()
        status = 0
    finally:
        os._exit(status)


async def run(loop: Loop, argv: Sequence[str], *, seconds: float = 600.0) -> tuple[int, bytes]:
    """Run a program to its end; see `run_apart`. Output and errors are one."""
    status, out, err = await run_apart(loop, argv, seconds=seconds)
    return status, out + err


async def run_apart(loop: Loop, argv: Sequence[str], *, seconds: float = 600.0) -> tuple[int, bytes, bytes]:
    """Run a program to its end.

    Args:
        loop: runs on meanwhile.
        argv: as for `spawn`.
        seconds: after which it is killed.

    Returns:
        Its exit status, or minus the signal that ended it, and the first 64 KiB each of output and errors.

    Raises:
        OSError: it could not be started.
    """
    nothing = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    out, out_sink = os.pipe2(os.O_CLOEXEC)
    err, err_sink = os.pipe2(os.O_CLOEXEC)
    try:
        pid = spawn(argv, (nothing, out_sink, err_sink))
    except OSError:
        os.close(out)
        os.close(err)
        raise
    finally:
        for fd in (nothing, out_sink, err_sink):
            os.close(fd)
    said = {out: bytearray(), err: bytearray()}
    for fd, output in said.items():
        os.set_blocking(fd, False)
        loop.add(fd, _collector(loop, fd, output))
    timer = loop.at(seconds, lambda: kill(pid, SIGKILL))
    try:
        status: int = await Wait(lambda resume: loop.on_child(pid, resume))
    finally:
        timer.cancel()
        for fd, output in said.items():
            _collect(loop, fd, output)
            loop.remove(fd)
            os.close(fd)
    return status, bytes(said[out]), bytes(said[err])


def _collector(loop: Loop, fd: int, output: bytearray) -> Callable[[int], None]:
    return lambda _events: _collect(loop, fd, output)


def _collect(loop: Loop, fd: int, output: bytearray) -> None:
    try:
        while data := os.read(fd, 1 << 16):
            output += data[: max(0, _OUTPUT_MAX - len(output))]
        loop.remove(fd)
    except BlockingIOError:
        return
