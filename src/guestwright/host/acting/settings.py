"""Host name, clock, addresses and power of a guest, by the keys of its agent.

Theory of operation: every such request is one key that the guest takes away when it has answered beside it.
`_ask` checks that the feature is offered, clears old answers, writes the request with that key last, waits,
and takes the request back when no answer comes, so that an agent which starts later does not find it.

Source: docs/agent.md, "Actions"; win-xenguestagent and xenopsd for the older keys.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from guestwright.base.printable import printable
from guestwright.base.record import record
from guestwright.exec_channel.errors import FailedInGuest, FeatureNotOffered, NoAnswer
from guestwright.host.acting.audit import Actor, audited
from guestwright.host.acting.errors import BadGuestRequest
from guestwright.host.acting.sysprep import let_guest_write
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.errors import TimedOut

PATIENCE: Final = 30.0  # seconds
_TEXT_MAX: Final = 512  # bytes of what a guest says
_NAME_MAX: Final = 64
_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")
_DEVICES_MAX: Final = 64


class PowerWish(StrEnum):
    """What a guest can be asked to do with itself."""

    OFF = "poweroff"
    REBOOT = "reboot"
    SUSPEND = "suspend"


@record
class AddressWish:
    """What one interface shall have for one family.

    Attributes:
        device: number of the VIF, as the host counts them.
        mac: its address.
        family: 4 or 6.
        address: with prefix, "192.0.2.7/24"; "" for none.
        gateway: or "".
        dynamic: take what DHCP or the router says instead.
    """

    device: int
    mac: str
    family: int = 4
    address: str = ""
    gateway: str = ""
    dynamic: bool = False


@record
class _Request:
    """One request.

    Attributes:
        feature: without "feature-".
        directory: below the guest's, that both sides write.
        keys: names and values below it; the last one the guest takes away, or empties.
        answers: names below it of what the guest answers.
    """

    feature: str
    directory: str
    keys: Sequence[tuple[str, str]]
    answers: tuple[str, ...] = ()


class GuestSettings:
    """Settings of one guest, on somebody's behalf.

    Args:
        store: client with the host's rights.
        domid: number of the guest's directory in the store.
        actor: on whose behalf.
        patience: seconds that the guest has for an answer.

    All calls raise `FeatureNotOffered`, `NoAnswer`, and `FailedInGuest` with what the guest says.
    """

    def __init__(self, store: Client, domid: int, actor: Actor, *, patience: float = PATIENCE) -> None:
        self._store = store
        self._domid = domid
        self._home = f"/local/domain/{domid}"
        self._actor = actor
        self._patience = patience

    def set_hostname(self, name: str) -> bool:
        """Give the guest a name.

        Returns:
            Whether it had another one.

        Raises:
            BadGuestRequest: it cannot be a host name.
        """
        if not 0 < len(name) <= _NAME_MAX or not _LETTERS.issuperset(name):
            problem = f"a host name has 1 to {_NAME_MAX} letters, digits, - and ."
            raise BadGuestRequest(what="host name", problem=problem)
        request = _Request(
            feature="setcomputername",
            directory="control/setcomputername",
            keys=(("name", name), ("action", "set")),
            answers=("state", "error"),
        )
        with audited(self._actor, "hostname", name) as outcome:
            state, error = self._ask(request)
            outcome.detail = state
            if state not in ("Succeeded", "NoChange", "SucceededNeedsReboot"):
                raise FailedInGuest(reason=error or state or "it does not say why")
        return state != "NoChange"

    def set_time(self, now: float) -> str:
        """Set the guest's clock.

        Args:
            now: seconds since 1970.

        Returns:
            What the guest says of it: how far it was off.
        """
        request = _Request(
            feature="settime",
            directory="data/guestwright/time",
            keys=(("set", f"{now:.6f}"),),
            answers=("state",),
        )
        with audited(self._actor, "time", "") as outcome:
            (state,) = self._ask(request)
            outcome.detail = state
            if not state.startswith("set"):
                raise FailedInGuest(reason=state.removeprefix("failed: ") or "it does not say why")
        return state

    def set_address(self, wish: AddressWish) -> None:
        """Set the address of one interface.

        Raises:
            BadGuestRequest: an address or number makes no sense.
        """
        mode = _mode(wish)
        suffix = "6" if wish.family == 6 else ""
        keys = [("mac", wish.mac)]
        if mode == "1":
            keys += [(f"address{suffix}", wish.address), (f"gateway{suffix}", wish.gateway)]
        request = _Request(
            feature="static-ip-setting",
            directory=f"xenserver/device/vif/{wish.device}/static-ip-setting",
            keys=(*keys, (f"enabled{suffix}", mode)),
            answers=("error-code", "error-msg"),
        )
        with audited(self._actor, "address", f"{wish.mac} {wish.address or 'none'}"):
            number, error = self._ask(request)
            if number != "0":
                raise FailedInGuest(reason=error or f"it says {number or 'nothing'}")

    def power(self, wish: PowerWish) -> None:
        """Have the guest power off, reboot or suspend; returns when it has taken note of that."""
        request = _Request(feature=wish, directory="control", keys=(("shutdown", wish),))
        with audited(self._actor, "power", wish):
            self._ask(request)

    def _ask(self, request: _Request) -> list[str]:
        """Do it; the answers, "" for those that did not come."""
        self._offered(request.feature)
        base = f"{self._home}/{request.directory}"
        if request.directory != "control":
            let_guest_write(self._store, self._domid, request.directory)
        for name in (*request.answers, request.keys[-1][0]):
            self._discard(f"{base}/{name}")
        for name, value in request.keys:
            self._store.write(f"{base}/{name}", value)
        last = f"{base}/{request.keys[-1][0]}"
        try:
            self._store.wait_until(last, lambda value: not value, self._patience)
        except TimedOut as error:
            self._discard(last)
            raise NoAnswer(reason=f"nothing came within {self._patience:g} s") from error
        return [self._text(f"{base}/{name}") for name in request.answers]

    def _offered(self, feature: str) -> None:
        told = self._store.get(f"{self._home}/data/guestwright/features/{feature}")
        older = self._store.get(f"{self._home}/control/feature-{feature}")
        if b"1" not in (told, older):
            reason = "there is no agent" if told is None else _shown(told)
            raise FeatureNotOffered(feature=feature, reason=reason)

    def _text(self, path: str) -> str:
        return _shown(self._store.get(path) or b"")

    def _discard(self, path: str) -> None:
        if self._store.get(path) is not None:
            self._store.rm(path)


def _shown(value: bytes) -> str:
    return printable(value[:_TEXT_MAX].decode("utf-8", "replace")).strip()


def _mode(wish: AddressWish) -> str:
    """`enabled`: 0 none, 1 static, 2 DHCP."""
    if wish.family not in (4, 6) or not 0 <= wish.device < _DEVICES_MAX:
        raise BadGuestRequest(what="address", problem="give family 4 or 6, and the number of a VIF")
    if wish.dynamic:
        return "2"
    if not wish.address:
        return "0"
    try:
        address = ipaddress.ip_interface(wish.address)
        gateway = ipaddress.ip_address(wish.gateway) if wish.gateway else None
    except ValueError as error:
        raise BadGuestRequest(what="address", problem=str(error)) from error
    if address.version != wish.family or (gateway is not None and gateway.version != wish.family):
        raise BadGuestRequest(what="address", problem=f"it is not of family {wish.family}")
    return "1"
