"""Set addresses at the host's wish: `xenserver/device/vif/N/static-ip-setting`.

Theory of operation: the host writes `mac`, then `enabled` (0: none, 1: static, 2: DHCP) with `address` and
`gateway`, or the same with a 6 at the end for IPv6. The guest writes `error-code` and `error-msg` and takes
`enabled` away. Who does it: the owner's command, or systemd-networkd by files that last, or else `ip`,
whose effect lasts until the next boot.

Source: win-xenguestagent (feature-static-ip-setting); xen-api, ocaml/xenopsd/xc/xenops_server_xen.ml.
"""

from __future__ import annotations

import _socket
import os

from guestwright.agent.actions.action import Action
from guestwright.agent.children import run
from guestwright.agent.unix.files import Files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_PARENTS: Final = (b"xenserver/device/vif", b"xenserver/device/net-sriov-vf")
_DEVICES_MAX: Final = 64
_MODES: Final = {b"0": "none", b"1": "static", b"2": "dhcp"}
_NOT_READY: Final = 101
_FAILED: Final = 1
_NETWORKD: Final = "/run/systemd/netif"
_FILES: Final = "/etc/systemd/network"
_NETWORKCTL: Final = ("/usr/bin/networkctl", "/bin/networkctl")
_IP: Final = ("/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip")
_SECONDS: Final = 30.0


class Failed(Exception):
    """It did not work: a number for the host, and why."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(why)
        self.number = number


class Wish:
    """What one interface shall have for one family.

    Attributes:
        interface: its name in the guest.
        mac: its address.
        family: "ipv4" or "ipv6".
        mode: "none", "static" or "dhcp".
        address: with prefix; "" unless static.
        gateway: or "".
    """

    __slots__ = ("address", "family", "gateway", "interface", "mac", "mode")

    def __init__(self, interface: str, mac: str, family: str, mode: str, address: str, gateway: str) -> None:
        self.interface = interface
        self.mac = mac
        self.family = family
        self.mode = mode
        self.address = address
        self.gateway = gateway


class StaticIp(Action):
    """Set addresses of interfaces that the host knows by their MAC."""

    switch = "static-ip"
    features = ("static-ip-setting",)
    paths = _PARENTS

    def unavailable(self) -> str:
        """Whether there is anything to do it with."""
        if self.context.config.words("static-ip", "command"):
            return ""
        found = self._program(_IP) or self._program(_NETWORKCTL)
        return "" if found else "the guest has neither networkctl nor ip"

    async def attend(self) -> None:
        """Look for wishes."""
        for parent in _PARENTS:
            for number in (await self.session.children(parent))[:_DEVICES_MAX]:
                base = parent + b"/" + number + b"/static-ip-setting/"
                for suffix in (b"", b"6"):
                    if await self.session.get(base + b"enabled" + suffix) is not None:
                        await self._answer(base, suffix)

    async def _answer(self, base: bytes, suffix: bytes) -> None:
        number, why = 0, ""
        try:
            await self._apply(await self._wish(base, suffix))
        except Failed as failed:
            number, why = failed.number, str(failed)
        except OSError as error:
            number, why = _FAILED, str(error)
        self.context.log.audit(f"addresses of {base.decode('ascii', 'replace')}: {why or 'set'}")
        await self.session.write(base + b"error-code", b"%d" % number)
        await self.session.write(base + b"error-msg", why.encode("utf-8", "replace")[:512])
        await self.session.discard(base + b"enabled" + suffix)

    async def _wish(self, base: bytes, suffix: bytes) -> Wish:
        async def text(name: bytes) -> str:
            return (await self.session.get(base + name) or b"").decode("ascii", "replace").strip()

        if self.refusal():
            raise Failed(_FAILED, self.refusal())
        mode = _MODES.get(await self.session.get(base + b"enabled" + suffix) or b"")
        mac = (await text(b"mac")).lower()
        address, gateway = await text(b"address" + suffix), await text(b"gateway" + suffix)
        if mode is None:
            raise Failed(_FAILED, "enabled is none of 0, 1 and 2")
        family = "ipv6" if suffix else "ipv4"
        if mode == "static":
            _check(address, gateway, family)
        interface = self._interface(mac)
        if not interface:
            raise Failed(_NOT_READY, f"there is no interface with the address {mac}")
        return Wish(
            interface,
            mac,
            family,
            mode,
            address if mode == "static" else "",
            gateway if mode == "static" else "",
        )

    async def _apply(self, wish: Wish) -> None:
        command = self.context.config.words("static-ip", "command")
        if command:
            await self._run([*command, wish.interface, wish.family, wish.mode, wish.address, wish.gateway])
            return
        networkctl = self._program(_NETWORKCTL)
        if networkctl and self._write_files(wish):
            await self._run([networkctl, "reload"])
            await self._run([networkctl, "reconfigure", wish.interface])
            return
        if wish.mode == "dhcp":
            raise Failed(_FAILED, "this guest's network is not systemd-networkd's; set static-ip.command")
        program, family = self._program(_IP), "-6" if wish.family == "ipv6" else "-4"
        await self._run([program, family, "addr", "flush", "dev", wish.interface, "scope", "global"])
        if wish.address:
            await self._run([program, family, "addr", "add", wish.address, "dev", wish.interface])
        if wish.gateway:
            route = ["route", "replace", "default", "via", wish.gateway, "dev", wish.interface]
            await self._run([program, family, *route])

    async def _run(self, argv: list[str]) -> None:
        status, said = await run(self.context.loop, argv, seconds=_SECONDS)
        if status:
            raise Failed(_FAILED, f"{argv[0]}: {said.decode('utf-8', 'replace').strip()[:300]}")

    def _write_files(self, wish: Wish) -> bool:
        """One file says which interface is meant; one more for each family says what it has.

        Returns:
            False where systemd-networkd does not run.
        """
        if not os.path.isdir(self.context.path(_NETWORKD)):
            return False
        name = f"05-guestwright-{wish.mac.replace(':', '')}.network"
        top = self.context.path(_FILES)
        os.makedirs(f"{top}/{name}.d", 0o755, exist_ok=True)
        _write(f"{top}/{name}", f"[Match]\nMACAddress={wish.mac}\n")
        lines = ["[Network]"]
        if wish.mode == "dhcp":
            lines.append("DHCP=ipv4" if wish.family == "ipv4" else "IPv6AcceptRA=yes")
        elif wish.family == "ipv6":
            lines.append("IPv6AcceptRA=no")
        lines += [f"Address={wish.address}"] * bool(wish.address)
        lines += [f"Gateway={wish.gateway}"] * bool(wish.gateway)
        _write(f"{top}/{name}.d/{wish.family}.conf", "\n".join([*lines, ""]))
        return True

    def _interface(self, mac: str) -> str:
        """The interface with an address; of several (a bridge has its port's) the one that is a device."""
        top = self.context.path("/sys/class/net")
        try:
            names = sorted(os.listdir(top))
        except OSError:
            return ""
        found = [name for name in names if mac and Files().text(f"{top}/{name}/address", 64).lower() == mac]
        found.sort(key=lambda name: not os.path.exists(f"{top}/{name}/device"))
        return found[0] if found else ""

    def _program(self, places: tuple[str, ...]) -> str:
        found = next((one for one in places if os.access(self.context.path(one), os.X_OK)), "")
        return self.context.path(found) if found else ""


def _check(address: str, gateway: str, family: str) -> None:
    """Addresses come from the host, but go into files and arguments."""
    number = _socket.AF_INET6 if family == "ipv6" else _socket.AF_INET
    bare, slash, prefix = address.partition("/")
    longest = 128 if family == "ipv6" else 32
    if slash and not (prefix.isdigit() and len(prefix) <= 3 and int(prefix) <= longest):
        raise Failed(_FAILED, f"{prefix} is no length of a prefix")
    for one in (bare, gateway) if gateway else (bare,):
        try:
            _socket.inet_pton(number, one)
        except (OSError, ValueError) as error:
            raise Failed(_FAILED, f"{one} is no {family} address") from error


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
