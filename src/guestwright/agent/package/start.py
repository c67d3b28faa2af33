"""The first code of the agent's archive, where it is `__main__`.

Theory of operation: an archive holds sources, for any Python. Compiling them, and reading archives, leaves
two megabytes behind that a process never gives back. So everything is compiled once into a file in memory
(memfd_create(2)) that is itself a compiled program, `stored.py`, with the modules behind it; and the
interpreter starts anew with that file, in the same process. Where this cannot be done, the sources are run
as they are. Python 3.8.
"""

import os
import sys

_HEADER = b"\1\0\0\0" + bytes(8)  # PEP 552, behind the magic number: never compared with its source


def main() -> int:
    """Run the agent; its exit status."""
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        _start_anew(sys.argv)
    system: str = sys.platform
    if system == "win32":
        from guestwright.agent.windows.main import main as run_on_windows  # noqa: PLC0415 - not needed elsewhere

        return run_on_windows()
    from guestwright.agent.main import main as run  # noqa: PLC0415 - not needed in most cases

    return run()


def _start_anew(arguments: "list[str]") -> None:
    """Replace this program by the compiled one. Returns if that cannot be."""
    import zipfile  # noqa: PLC0415 - of no use afterwards

    try:
        with zipfile.ZipFile(arguments[0]) as archive:
            sources = {name: archive.read(name) for name in archive.namelist()}
        descriptor = os.memfd_create("guestwright-agent")
        with open(descriptor, "wb", closefd=False) as stream:
            stream.write(_compiled(sources, arguments[0]))
        os.set_inheritable(descriptor, True)
        program = [sys.executable, "-I", "-S", "-E", f"/proc/self/fd/{descriptor}", *arguments[1:]]
        os.execv(sys.executable, program)  # noqa: S606 - itself
    except (OSError, zipfile.BadZipFile):
        return


def _compiled(sources: "dict[str, bytes]", where: str) -> bytes:
    """The compiled program with all modules behind it."""
    from importlib.util import MAGIC_NUMBER  # noqa: PLC0415 - of no use afterwards
    from marshal import dumps  # noqa: PLC0415 - see above

    index, modules, at = {}, [], 0
    for path, source in sources.items():
        name = path[: -len(".py")].replace("/", ".")
        package = name.endswith(".__init__")
        if "." not in name or name.startswith("guestwright.agent.windows."):
            continue  # what starts the agent, and what is never wanted where there is a memfd
        code = dumps(compile(source, f"{where}/{path}", "exec", dont_inherit=True))
        index[name[: -len(".__init__")] if package else name] = (at, len(code), package)
        modules.append(code)
        at += len(code)
    source = sources["stored.py"] + f"\nsys.exit(main({index!r}, {at}))\n".encode()
    program = dumps(compile(source, f"{where}/stored.py", "exec", dont_inherit=True))
    return b"".join((MAGIC_NUMBER, _HEADER, program, *modules))


if __name__ == "__main__":
    sys.exit(main())
