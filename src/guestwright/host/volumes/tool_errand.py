"""The errand of running qemu-img, confined; see `program`."""

from __future__ import annotations

import os
import re
from typing import Any, Final

from guestwright.base.progress import Step
from guestwright.confine.limits import Limits
from guestwright.confine.process import Access, find_tool, spawn
from guestwright.host.volumes.errors import ToolFailed
from guestwright.host.volumes.line import step

_LIMITS: Final = Limits(cpu_seconds=None, memory=8 << 30, file_size=None, open_files=256, processes=None)
_PROGRESS: Final = re.compile(rb"\((\d+)\.\d+/100%\)")
_OUTPUT_MAX: Final = 1 << 20


def do(order: dict[str, Any]) -> dict[str, Any]:
    """Run qemu-img, confined to the files that it needs; its status and what it said."""
    # Not without confinement, unlike qemu-nbd on the operator's own images: these may have been uploaded.
    argv = [find_tool("qemu-img", "qemu-utils"), *order["arguments"]]
    access = Access(read=tuple(order["read"]), write=tuple(order["write"]))
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    said = os.memfd_create("qemu-img-stderr", os.MFD_CLOEXEC)
    with os.fdopen(ours, "rb", buffering=0) as stream:
        try:
            child = spawn(
                argv,
                access=access,
                limits=_LIMITS,
                stdout=theirs,
                stderr=said,
                drop_user=False,
                require=False,
            )
        finally:
            os.close(theirs)
        with child:
            out = b""
            while piece := stream.read(65536):
                told = _PROGRESS.findall(piece)
                if told:
                    step(Step(name="convert", done=int(told[-1]), total=100, text="converting"))
                else:
                    out += piece
                if len(out) > _OUTPUT_MAX:
                    raise ToolFailed(tool="qemu-img", detail="it does not stop talking")
            status = child.wait()
    err = os.pread(said, 4096, 0)
    return {"status": status, "out": out.decode("utf-8", "replace"), "err": err.decode("utf-8", "replace")}
