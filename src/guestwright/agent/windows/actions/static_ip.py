"""Set addresses of a Windows guest, with netsh or the owner's command.

Theory of operation: the interface is found by its MAC among those that the collectors see, and is named to
netsh by its number, so that no name of the guest becomes an argument. "None" means what Windows has when
nothing is set: DHCP, or automatic IPv6.

Source: Microsoft's "Netsh commands for interface IP"; win-xenguestagent for the keys.
"""

from __future__ import annotations

from guestwright.agent.actions.static_ip import Failed, StaticIp, Wish
from guestwright.agent.windows.actions.context import native, windows
from guestwright.agent.windows.adapters import adapters
from guestwright.agent.windows.process import run, system_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_FAILED: Final = 1
_SECONDS: Final = 30.0


class WindowsStaticIp(StaticIp):
    """Set addresses of interfaces that the host knows by their MAC."""

    def unavailable(self) -> str:
        """Windows always has netsh."""
        return ""

    async def _apply(self, wish: Wish) -> None:
        command = self.context.config.words("static-ip", "command")
        if command:
            lines = [[*command, wish.interface, wish.family, wish.mode, wish.address, wish.gateway]]
        else:
            lines = [[rf"{system_root()}\System32\netsh.exe", *words] for words in netsh(wish)]
        for argv in lines:
            status, said = await run(windows(self.context), argv, seconds=_SECONDS)
            if status:
                raise Failed(_FAILED, f"{argv[0]}: {said.decode('utf-8', 'replace').strip()[:300]}")

    def _interface(self, mac: str) -> str:
        found = [nic for nic in adapters(native(self.context)) if mac and nic.mac == mac]
        return str(found[0].index) if found else ""


def netsh(wish: Wish) -> list[list[str]]:
    """What netsh is to be told, a line after the other."""
    index = wish.interface
    if wish.family == "ipv4":
        top = ["interface", "ipv4", "set", "address", f"name={index}"]
        if wish.mode != "static":
            return [[*top, "source=dhcp"]]
        bare, _, prefix = wish.address.partition("/")
        line = [*top, "source=static", f"address={bare}", f"mask={mask(int(prefix or 32))}"]
        return [[*line, f"gateway={wish.gateway}" if wish.gateway else "gateway=none"]]
    top = ["interface", "ipv6"]
    lines = [
        [*top, "set", "interface", index, f"routerdiscovery={'disabled' if wish.address else 'enabled'}"]
    ]
    if wish.address:
        lines.append([*top, "set", "address", f"interface={index}", f"address={wish.address}"])
    if wish.gateway:
        lines.append([*top, "set", "route", "prefix=::/0", f"interface={index}", f"nexthop={wish.gateway}"])
    return lines


def mask(prefix: int) -> str:
    """The mask of an IPv4 prefix's length."""
    bits = (1 << 32) - (1 << (32 - prefix))
    return ".".join(str(bits >> shift & 255) for shift in (24, 16, 8, 0))
