"""Who is logged in: utmp, or systemd-logind's files where there is none.

Sources: utmp(5), sd_session_get_state(3) (the files below /run/systemd/sessions).
"""

from __future__ import annotations

import struct

from guestwright.agent.core.facts import User

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from guestwright.agent.unix.files import Files

_UTMP = "/run/utmp"
_SESSIONS = "/run/systemd/sessions"
_ENTRY = struct.Struct("=h2xi32s4s32s256s2hiii16s20s")  # the same on all 64-bit and most other systems
_USER_PROCESS = 7
_USERS_MAX = 64


def users(files: Files) -> tuple[User, ...]:
    """The sessions, the oldest first."""
    found = _of_utmp(files.data(_UTMP, _ENTRY.size * 1024)) or _of_logind(files)
    found.sort(key=lambda user: (user.since, user.line))
    return tuple(found[:_USERS_MAX])


def _of_utmp(data: bytes) -> list[User]:
    found = []
    for place in range(0, len(data) - _ENTRY.size + 1, _ENTRY.size):
        entry = _ENTRY.unpack_from(data, place)
        if entry[0] == _USER_PROCESS:
            line, name, host = (_text(entry[index]) for index in (2, 4, 5))
            found.append(User(name=name, line=line, host=host, since=max(0, entry[9])))
    return found


def _of_logind(files: Files) -> list[User]:
    found = []
    for one in files.names(_SESSIONS):
        fields = dict(line.partition("=")[::2] for line in files.text(f"{_SESSIONS}/{one}").splitlines())
        if fields.get("CLASS") == "user" and fields.get("USER"):
            since = fields.get("REALTIME", "")
            found.append(
                User(
                    name=fields["USER"],
                    line=fields.get("TTY", ""),
                    host=fields.get("REMOTE_HOST", ""),
                    since=int(since) // 1000000 if since.isdigit() and since.isascii() else 0,
                )
            )
    return found


def _text(data: bytes) -> str:
    return data.split(b"\0")[0].decode("utf-8", "replace")
