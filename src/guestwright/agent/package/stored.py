"""Runs the agent out of a file whose last part are its compiled modules; see `start.py`. Python 3.8."""

import os
import sys
from marshal import loads

_NAME = b"guestwright-agent"  # what ps(1) shows, in place of the interpreter's


class Stored:
    """Finds modules and loads them (an importer, as `sys.meta_path` wants it)."""

    def __init__(self, descriptor: int, index: "dict[str, tuple[int, int, bool]]", size: int) -> None:
        self._descriptor = descriptor
        self._index = index
        self._begin = os.fstat(descriptor).st_size - size

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        """Say how to load a module; None for those of others."""
        del path, target
        if name not in self._index:
            return None
        kind: object = type(
            sys.__spec__
        )  # importlib.machinery.ModuleSpec, which need not be imported for that
        assert callable(kind)
        return kind(name, self, is_package=self._index[name][2])

    def create_module(self, spec: object) -> None:
        """Leave it to the interpreter."""

    def exec_module(self, module: object) -> None:
        """Run a module's code."""
        at, length, _ = self._index[vars(module)["__name__"]]
        code = loads(os.pread(self._descriptor, length, self._begin + at))  # noqa: S302 - this program's own
        exec(code, vars(module))  # noqa: S102 - see above


def main(index: "dict[str, tuple[int, int, bool]]", size: int) -> int:
    """Run the agent; its exit status.

    Args:
        index: of each module where it begins, its length, and whether it is a package.
        size: of all modules together.
    """
    descriptor = int(sys.argv[0].rpartition("/")[2])
    os.set_inheritable(descriptor, False)
    importer = Stored(descriptor, index, size)
    sys.meta_path.insert(0, importer)  # type: ignore[arg-type]  # types in narrower words
    try:
        with open("/proc/self/comm", "wb", buffering=0) as stream:
            stream.write(_NAME)
    except OSError:
        pass  # only a name
    from guestwright.agent.main import main as run  # noqa: PLC0415 - found by what was inserted above

    return run()
