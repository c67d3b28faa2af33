"""Sends the program of `program` on one errand, and listens to it."""

from __future__ import annotations

import errno
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

from guestwright.base.errors import GuestwrightError
from guestwright.base.progress import Step
from guestwright.confine import errors as confine_errors
from guestwright.disk import errors as disk_errors
from guestwright.fileview import errors as fileview_errors
from guestwright.guestfs import errors as guestfs_errors
from guestwright.host.jobs.kind import Work
from guestwright.host.volumes.errors import StorageFull, ToolFailed
from guestwright.seal import errors as seal_errors

_MODULE: Final = "guestwright.host.volumes.program"
_ARGV: Final = (sys.executable, "-m", _MODULE)
_LOOK_SECONDS: Final = 0.2
_ANSWER_MAX: Final = 32 << 20
_END_SECONDS: Final = 60
_KNOWN: Final = (confine_errors, disk_errors, fileview_errors, guestfs_errors, seal_errors)
"""Whose errors the program may tell: they have to be loaded, to be made again here."""


def run(order: Mapping[str, Any], work: Work) -> Any:
    """Do an errand and wait for it.

    Args:
        order: what to do, plain JSON; see `program`.
        work: told each step, asked five times a second whether to go on, and asked for its `commit`.

    Returns:
        The result, plain JSON.

    Raises:
        GuestwrightError: what the errand raised.
        ToolFailed: the program died or answered nonsense.
        JobError: see `Work.check`; the program was killed.
    """
    try:
        process = subprocess.Popen(
            _ARGV, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, bufsize=0
        )
    except OSError as error:
        raise ToolFailed(tool="the process for images", detail=error.strerror or str(error)) from error
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            _tell(process.stdin, {**order, "parent": os.getpid()})
            for message in _messages(process.stdout, work):
                if "step" in message:
                    name, done, total, text = message["step"]
                    work.progress(Step(name=str(name), done=int(done), total=int(total), text=str(text)))
                elif "ask" in message:
                    work.commit()
                    process.stdin.write(b"go\n")
                elif "error" in message:
                    raise _again(message["error"])
                else:
                    process.wait(_END_SECONDS)
                    return message["result"]
        except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired) as error:
            raise ToolFailed(
                tool="the process for images", detail=f"it answered nonsense ({error})"
            ) from error
        finally:
            if process.poll() is None:
                process.kill()
        status = process.wait()
    raise ToolFailed(tool="the process for images", detail=f"it ended with status {status}")


def qemu_img(
    arguments: list[str], work: Work, *, read: tuple[str, ...] = (), write: tuple[str, ...] = ()
) -> tuple[int, str]:
    """Run qemu-img, confined.

    Args:
        arguments: of the command line; absolute paths, no text of a guest's.
        work: see `run`.
        read: files that it may read.
        write: files that it may write.

    Returns:
        Exit status and standard output.

    Raises:
        ToolFailed: it wrote to standard error and failed.
        GuestwrightError: as `run`.
    """
    order = {"do": "qemu-img", "arguments": arguments, "read": list(read), "write": list(write)}
    done = run(order, work)
    status, err = int(done["status"]), str(done["err"]).strip()
    if status and os.strerror(errno.ENOSPC) in err:
        raise StorageFull(path=", ".join(write), action=f"qemu-img {arguments[0]}")
    if status and err:
        raise ToolFailed(tool=f"qemu-img {arguments[0]}", detail=" ".join(err.split())[:500])
    return status, str(done["out"])


def _tell(stream: IO[bytes], order: Mapping[str, Any]) -> None:
    stream.write(json.dumps(order, separators=(",", ":")).encode() + b"\n")


def _messages(stream: IO[bytes], work: Work) -> Iterator[dict[str, Any]]:
    """Lines as they come; asks in between whether they are still wanted."""
    poller = select.poll()
    poller.register(stream, select.POLLIN | select.POLLHUP)
    rest = b""
    looked = 0.0
    while True:
        if time.monotonic() - looked >= _LOOK_SECONDS:
            work.check()
            looked = time.monotonic()
        if not poller.poll(_LOOK_SECONDS * 1000):
            continue
        piece = os.read(stream.fileno(), 1 << 16)
        if not piece:
            return
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > _ANSWER_MAX:
            raise ValueError("a line without end")
        for line in lines:
            yield json.loads(line)


def _again(body: Mapping[str, Any]) -> GuestwrightError:
    """An error that the program told, as an instance of its class."""
    todo: list[type[GuestwrightError]] = [GuestwrightError]
    while todo:
        one = todo.pop()
        if one.code == body["code"]:
            return one(**body["params"])
        todo.extend(one.__subclasses__())
    return ToolFailed(tool="the process for images", detail=body["message"])
