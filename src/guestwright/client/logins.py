"""Who is logged in where: one file for each engine, for its owner's eyes only.

Files: `$XDG_CONFIG_HOME/guestwright/engines/HOST_PORT.json` (mode 0600, in a directory of mode 0700) and
`current` beside them, with the name of the one that is meant when no engine is named. XDG Base Directory
Specification 0.8: without the variable it is `~/.config`.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from typing import Any, Final

from guestwright.base.record import record
from guestwright.base.secret import Secret
from guestwright.client.address import Server, server
from guestwright.client.errors import BadServer, TokenFileBad

_MAX: Final = 64 << 10


@record
class Login:
    """A login that is kept.

    Attributes:
        server: the engine.
        token: for it.
        name: of the user.
        expires: when the token ends, seconds since 1970; 0 when that is not known.
        others: engines on the same database, for when it cannot be reached; what is known of the
            certificates of the one is known of theirs.
    """

    server: Server
    token: Secret
    name: str = ""
    expires: float = 0.0
    others: tuple[Server, ...] = ()


def directory() -> str:
    """Where logins are kept when nothing else is said."""
    top = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(top, "guestwright", "engines")


class Logins:
    """The logins of a user.

    Args:
        where: directory; `directory()` without.
    """

    def __init__(self, where: str | None = None) -> None:
        self._where = where or directory()

    def keep(self, login: Login, *, current: bool = True) -> str:
        """Keep a login, in place of what was kept for this engine; whole or not at all.

        Args:
            login: what to keep.
            current: whether this engine is meant from now on when none is named.

        Returns:
            Path of the file.

        Raises:
            TokenFileBad: it cannot be written.
        """
        found = {
            "url": str(login.server),
            "ca": login.server.ca and os.path.abspath(login.server.ca),
            "fingerprint": login.server.fingerprint,
            "token": login.token.reveal(),
            "name": login.name,
            "expires": login.expires,
            "others": [str(one) for one in login.others],
        }
        file = _name(login.server)
        self._write(file, json.dumps(found, indent=1) + "\n")
        if current:
            self._write("current", file + "\n")
        return os.path.join(self._where, file)

    def of(self, engine: Server) -> Login | None:
        """What is kept for an engine; None for nothing.

        Raises:
            TokenFileBad: somebody else could have written or read it, or it is no login.
        """
        return self._login(_name(engine))

    def current(self) -> Login | None:
        """What is kept for the engine that is meant when none is named.

        Raises:
            TokenFileBad: as `of`.
        """
        name = self._read("current")
        name = name.strip() if name is not None else ""
        if not name or "/" in name or name.startswith("."):
            return None
        return self._login(name)

    def forget(self, engine: Server) -> None:
        """Remove what is kept for an engine."""
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(self._where, _name(engine)))

    def _login(self, file: str) -> Login | None:
        text = self._read(file)
        if text is None:
            return None
        try:
            found: dict[str, Any] = json.loads(text)
            engine = server(found["url"], ca=found.get("ca", ""), fingerprint=found.get("fingerprint", ""))
            token = Secret(str(found["token"]))
            expires = float(found.get("expires") or 0.0)
            others = tuple(server(str(one), ca=engine.ca) for one in found.get("others") or ())
        except (ValueError, TypeError, KeyError, AttributeError, BadServer, RecursionError) as error:
            raise TokenFileBad(path=os.path.join(self._where, file), problem="it is no login") from error
        name = str(found.get("name", ""))
        return Login(server=engine, token=token, name=name, expires=expires, others=others)

    def _read(self, file: str) -> str | None:
        path = os.path.join(self._where, file)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TokenFileBad(path=path, problem=error.strerror or str(error)) from error
        with open(descriptor, "rb") as opened:
            about = os.fstat(descriptor)
            if about.st_uid != os.geteuid() or not stat.S_ISREG(about.st_mode) or about.st_mode & 0o077:
                raise TokenFileBad(
                    path=path, problem=f"others may use it (mode {about.st_mode & 0o7777:04o})"
                )
            return opened.read(_MAX).decode("utf-8", "replace")

    def _write(self, file: str, text: str) -> None:
        path = os.path.join(self._where, file)
        part = f"{path}.{os.getpid()}"
        try:
            os.makedirs(self._where, mode=0o700, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with suppress(FileNotFoundError):
                os.unlink(part)
            with open(os.open(part, flags, 0o600), "w", encoding="utf-8") as opened:
                opened.write(text)
                opened.flush()
                os.fsync(opened.fileno())
            os.replace(part, path)
        except OSError as error:
            raise TokenFileBad(path=path, problem=error.strerror or str(error)) from error


def _name(engine: Server) -> str:
    plain = "".join(one if one.isalnum() or one in ".-" else "_" for one in engine.host.lower())
    below = engine.prefix.replace("/", "_")
    return f"{plain}_{engine.port}{below}.json"
