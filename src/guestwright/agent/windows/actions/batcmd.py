r"""The older way to run a script, by cmd.exe: `control/batcmd`.

Theory of operation: cmd.exe reads the script out of a file, as win-xenguestagent has it. An owner who has
forbidden this to that agent (`NoRemoteExecution` below `HKLM\Software\Citrix\XenTools`) has forbidden it
here.
"""

from __future__ import annotations

import os

from guestwright.agent.actions.batcmd import TIME_MAX, Batcmd
from guestwright.agent.windows.actions.context import native, windows
from guestwright.agent.windows.places import private_directory
from guestwright.agent.windows.process import run_apart, system_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

_VETO_KEY: Final = r"Software\Citrix\XenTools"
_VETO: Final = "NoRemoteExecution"


class WindowsBatcmd(Batcmd):
    """Run a script with cmd.exe."""

    def unavailable(self) -> str:
        """Whether the owner has vetoed it where the other agent looks."""
        return "forbidden by NoRemoteExecution" if _vetoed() else ""

    async def _run(self, script: str) -> tuple[int, bytes, bytes]:
        path = os.path.join(private_directory(native(self.context)), f"batcmd-{os.urandom(8).hex()}.bat")
        _write(path, script)
        try:
            shell = rf"{system_root()}\System32\cmd.exe"
            return await run_apart(windows(self.context), [shell, "/Q", "/C", path], seconds=TIME_MAX)
        finally:
            os.unlink(path)


def _write(path: str, script: str) -> None:
    with open(path, "xb") as file:
        file.write(script.encode("utf-8", "surrogateescape"))


def _vetoed() -> bool:
    try:
        registry: Any = __import__("winreg")
        with registry.OpenKey(registry.HKEY_LOCAL_MACHINE, _VETO_KEY) as key:
            return bool(registry.QueryValueEx(key, _VETO)[0])
    except (ImportError, OSError):
        return False
