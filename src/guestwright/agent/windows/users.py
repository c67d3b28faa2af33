"""Who is logged in to a Windows guest.

Source: Microsoft's WTSEnumerateSessionsW, WTSQuerySessionInformationW; wtsapi32.h (WTS_SESSION_INFOW).
"""

from __future__ import annotations

import ctypes

from guestwright.agent.core.facts import User
from guestwright.agent.windows.structures import Session, wide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from guestwright.agent.windows.native import Native

_HERE: Final = 0  # WTS_CURRENT_SERVER_HANDLE
_VERSION: Final = 1
_ACTIVE: Final = 0  # WTSActive
_DISCONNECTED: Final = 4  # WTSDisconnected: logged in, but nobody looks
_USER_NAME: Final = 5  # WTSUserName
_DOMAIN_NAME: Final = 7
_CLIENT_NAME: Final = 10
_MOST: Final = 256


def users(native: Native) -> tuple[User, ...]:
    """Sessions that have a user; none when Windows does not say."""
    place, count = ctypes.c_void_p(), ctypes.c_uint32()
    if not native("WTSEnumerateSessionsW", _HERE, 0, _VERSION, ctypes.byref(place), ctypes.byref(count)):
        return ()
    try:
        return tuple(_users(native, place.value or 0, min(count.value, _MOST)))
    finally:
        native("WTSFreeMemory", place)


def _users(native: Native, place: int, count: int) -> Iterator[User]:
    for number in range(count if place else 0):
        session = Session.from_address(place + number * ctypes.sizeof(Session))
        name = _about(native, session.number, _USER_NAME)
        if session.state in {_ACTIVE, _DISCONNECTED} and name:
            domain = _about(native, session.number, _DOMAIN_NAME)
            line = wide(session.station) or f"session {session.number}"
            yield User(
                name=f"{domain}\\{name}" if domain else name,
                line=line,
                host=_about(native, session.number, _CLIENT_NAME),
            )


def _about(native: Native, session: int, what: int) -> str:
    place, size = ctypes.c_void_p(), ctypes.c_uint32()
    if not native(
        "WTSQuerySessionInformationW", _HERE, session, what, ctypes.byref(place), ctypes.byref(size)
    ):
        return ""
    try:
        return wide(place.value)
    finally:
        native("WTSFreeMemory", place)
