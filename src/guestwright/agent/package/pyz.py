"""Makes the one file that is the agent: a zip archive that Python runs.

Theory of operation: the archive holds the modules that its entries reach by imports, those
inside functions included, which is how platform modules are loaded, and modules whose full names stand in
the text of others. Nothing else of Guestwright gets into guests. Members are stored, not compressed: a
Python without zlib runs it, and starting costs no decompression. Equal sources give equal bytes: names are
sorted, times fixed.
"""

from __future__ import annotations

import ast
import io
import os
import zipfile
from collections.abc import Iterable
from typing import Final

ENTRIES: Final = ("guestwright.agent.main", "guestwright.agent.windows.main")
_ROOT: Final = "guestwright"
_SOURCE: Final = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
_FIRST_LINE: Final = b"#!/usr/bin/python3 -ISE\n"
_TIME: Final = (1980, 1, 1, 0, 0, 0)  # the first that a zip archive knows
_HERE: Final = os.path.dirname(os.path.abspath(__file__))
STARTERS: Final = {
    "__main__.py": os.path.join(_HERE, "start.py"),
    "stored.py": os.path.join(_HERE, "stored.py"),
}
"""What starts the agent: members of the archive, and their files."""


def build() -> bytes:
    """The archive, for `python3 -I -S -E FILE`, Python 3.8 or later.

    Raises:
        FileNotFoundError: Guestwright is installed without its sources.
    """
    stream = io.BytesIO()
    stream.write(_FIRST_LINE)
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, path in STARTERS.items():
            _add(archive, name, path)
        for name, path in sorted(modules().items()):
            member = name.replace(".", "/")
            member += "/__init__.py" if os.path.basename(path) == "__init__.py" else ".py"
            _add(archive, member, path)
    return stream.getvalue()


def modules() -> dict[str, str]:
    """Names and files of all modules that the agent may load: what its entry reaches, however it imports."""
    found: dict[str, str] = {}
    todo = list(ENTRIES)
    while todo:
        name = todo.pop()
        path = _file(name)
        if not path or name in found:
            continue
        found[name] = path
        with open(path, "rb") as source:
            todo += _imported(ast.parse(source.read()))
        todo.append(name.rpartition(".")[0])
    return found


def _imported(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.split(".")[0] == _ROOT)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == _ROOT:
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)
        elif isinstance(node, ast.Constant) and str(node.value).startswith(f"{_ROOT}.agent."):
            yield str(node.value)


def _file(name: str) -> str:
    """The file of a module; "" when it is none of ours."""
    if not f"{name}.".startswith(f"{_ROOT}."):
        return ""
    path = os.path.join(_SOURCE, *name.split("."))
    for candidate in (f"{path}.py", os.path.join(path, "__init__.py")):
        if os.path.isfile(candidate):
            return candidate
    return ""


def _add(archive: zipfile.ZipFile, name: str, path: str) -> None:
    info = zipfile.ZipInfo(name, _TIME)
    info.external_attr = 0o644 << 16
    info.create_system = 3
    with open(path, "rb") as source:
        archive.writestr(info, source.read())
