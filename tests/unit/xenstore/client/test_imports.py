"""What the client costs to import: the standard library only, asyncio only for those who use it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.program import environment

CODE = """
import sys
import {module}
print("asyncio" in sys.modules, all(
    name.split(".")[0] in sys.stdlib_module_names or name.startswith(("guestwright", "__"))
    for name, module in sys.modules.items() if getattr(module, "__file__", None)
))
"""


@pytest.mark.parametrize(
    ("module", "asyncio"),
    [("guestwright.xenstore.client.client", False), ("guestwright.xenstore.client.aio.client", True)],
)
def test_asyncio_is_imported_by_the_asyncio_part_only(module: str, asyncio: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-c", CODE.format(module=module)],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(asyncio), "True"]
