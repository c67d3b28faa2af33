"""What to customise, as values: one frozen class for each kind of wish, complete and checked.

A directive holds everything it needs, so that a plan that was saved does the same as the run that was shown:
files of the host are read, passwords hashed and dates taken before a directive is made. No directive holds a
password in clear. What may be secret all the same (hashes, file contents, scripts) is left out of `repr`.

How a directive becomes changes is said in `registry`; how it becomes JSON in `codec`.
"""

from __future__ import annotations

from guestwright.base.record import field, record
from guestwright.seal.customise import checks
from guestwright.seal.customise.errors import BadValue
from guestwright.seal.customise.keys import parse_keys

MAX_LINKS = 64


@record
class SetHostname:
    """Give the guest a name (and its /etc/hosts, where the old name stands)."""

    name: str

    def __post_init__(self) -> None:
        checks.check_hostname(self.name)


@record
class SetTimezone:
    """Set the time zone, by a name below /usr/share/zoneinfo."""

    name: str

    def __post_init__(self) -> None:
        checks.check_timezone(self.name)


@record
class SetPassword:
    """Put a value in a user's password field.

    Attributes:
        user: an account that the guest has.
        hash: crypt(5) text, "*" (no password works) or "!" before either (locked).
        day: days since 1970-01-01, for the field "last change".
    """

    user: str
    hash: str = field(repr=False)
    day: int

    def __post_init__(self) -> None:
        checks.check_user(self.user)
        checks.check_day(self.day)
        if not checks.FIELD.fullmatch(self.hash):
            raise BadValue(
                what="password hash",
                problem="not crypt(5) text",
                expected="expected a hash, never a password",
            )


@record
class LockAccount:
    """Lock a user's password, keeping the hash behind the lock."""

    user: str

    def __post_init__(self) -> None:
        checks.check_user(self.user)


@record
class InjectSshKey:
    """Let the holder of a key log in: `keys` is one public key a line, without options."""

    user: str
    keys: str

    def __post_init__(self) -> None:
        checks.check_user(self.user)
        parse_keys(self.keys)


@record
class FirstBoot:
    """Run a script once, at the first boot. `name` becomes part of its file name."""

    script: bytes = field(repr=False)
    name: str

    def __post_init__(self) -> None:
        checks.check_script_name(self.name)
        checks.check_data(self.script, "script")


@record
class FirstBootCommand:
    """Run a shell command once, at the first boot."""

    command: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.command.strip() or "\0" in self.command or len(self.command) > 65536:
            raise BadValue(
                what="command", problem="it is empty, too long or holds a NUL", expected="expected a command"
            )


@record
class InstallAgent:
    """Put the guest agent and its service into the guest.

    Attributes:
        archive: what `agent.package.pyz` makes.
        config: for guests that have none.
        rules: for udev.
        systemd, openrc, sysv: the service's file for each init system, before it is `contents.filled`.
    """

    archive: bytes = field(repr=False)
    config: bytes = field(repr=False)
    rules: bytes = field(repr=False)
    systemd: bytes = field(repr=False)
    openrc: bytes = field(repr=False)
    sysv: bytes = field(repr=False)

    def __post_init__(self) -> None:
        for data in (self.archive, self.config, self.rules, self.systemd, self.openrc, self.sysv):
            checks.check_data(data, "agent")
        if not self.archive.startswith(b"#!"):
            raise BadValue(what="agent", problem="not an agent's archive", expected="expected a saved plan")


@record
class WriteFile:
    """Set a file's content. An existing file keeps its mode and owner; a new one gets these."""

    path: str
    data: bytes = field(repr=False)
    mode: int = 0o644
    uid: int = 0
    gid: int = 0

    def __post_init__(self) -> None:
        checks.check_path(self.path)
        checks.check_data(self.data)
        checks.check_mode(self.mode)
        checks.check_owner(self.uid, self.gid)


@record
class UploadFile:
    """Set a file's content, mode and owner, whether it exists or not."""

    path: str
    data: bytes = field(repr=False)
    mode: int
    uid: int
    gid: int

    def __post_init__(self) -> None:
        checks.check_path(self.path)
        checks.check_data(self.data)
        checks.check_mode(self.mode)
        checks.check_owner(self.uid, self.gid)


@record
class AppendLine:
    """Make sure that a file has this line; append it when it has not."""

    path: str
    line: str = field(repr=False)

    def __post_init__(self) -> None:
        checks.check_path(self.path)
        checks.check_line(self.line)


@record
class EditFile:
    """Substitute, line by line, as `s/regex/replacement/` does. Flags: g (all in a line), i (any case)."""

    path: str
    regex: str
    replacement: str
    flags: str = ""

    def __post_init__(self) -> None:
        checks.check_path(self.path)
        checks.check_line(self.regex, "expression")
        checks.check_line(self.replacement, "replacement")
        if set(self.flags) - set("gi"):
            raise BadValue(
                what="flags", problem=f"{self.flags!r} is not known", expected="expected g, i or both"
            )


@record
class CopyInside:
    """Copy a file or a directory within the guest."""

    source: str
    dest: str

    def __post_init__(self) -> None:
        _check_pair(self.source, self.dest)


@record
class MoveInside:
    """Move a file or a directory within the guest."""

    source: str
    dest: str

    def __post_init__(self) -> None:
        _check_pair(self.source, self.dest)


@record
class MakeDirectories:
    """Create a directory and its missing parents; one that exists stays as it is."""

    path: str
    mode: int = 0o755
    uid: int = 0
    gid: int = 0

    def __post_init__(self) -> None:
        checks.check_path(self.path)
        checks.check_mode(self.mode)
        checks.check_owner(self.uid, self.gid)


@record
class Delete:
    """Remove what matches a shell pattern, directories with all their content. `scrub`: zero the data too."""

    glob: str
    scrub: bool = False

    def __post_init__(self) -> None:
        checks.check_path(self.glob, "pattern")


@record
class TruncateFile:
    """Empty a file, in place."""

    path: str

    def __post_init__(self) -> None:
        checks.check_path(self.path)


@record
class TruncateRecursive:
    """Empty every regular file below a directory."""

    path: str

    def __post_init__(self) -> None:
        checks.check_path(self.path)


@record
class Touch:
    """Create an empty file where there is none."""

    path: str

    def __post_init__(self) -> None:
        checks.check_path(self.path)


@record
class Chmod:
    """Set permission bits."""

    mode: int
    path: str

    def __post_init__(self) -> None:
        checks.check_mode(self.mode)
        checks.check_path(self.path)


@record
class Chown:
    """Set the numeric owner; a symlink itself, not what it points at."""

    uid: int
    gid: int
    path: str

    def __post_init__(self) -> None:
        checks.check_owner(self.uid, self.gid)
        checks.check_path(self.path)


@record
class LinkTo:
    """Create symlinks that point at `target`, which is stored as it is and need not exist."""

    target: str
    links: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.target or "\0" in self.target or len(self.target) > checks.MAX_PATH:
            raise BadValue(
                what="link target", problem=f"{self.target!r} is not usable", expected="expected a path"
            )
        if not 0 < len(self.links) <= MAX_LINKS:
            raise BadValue(
                what="links", problem="none, or too many", expected=f"expected 1 to {MAX_LINKS} paths"
            )
        for link in self.links:
            checks.check_path(link, "link")


Directive = (
    SetHostname
    | SetTimezone
    | SetPassword
    | LockAccount
    | InjectSshKey
    | FirstBoot
    | FirstBootCommand
    | InstallAgent
    | WriteFile
    | UploadFile
    | AppendLine
    | EditFile
    | CopyInside
    | MoveInside
    | MakeDirectories
    | Delete
    | TruncateFile
    | TruncateRecursive
    | Touch
    | Chmod
    | Chown
    | LinkTo
)


def _check_pair(source: str, dest: str) -> None:
    checks.check_path(source, "source")
    checks.check_path(dest, "destination")
    if (dest.rstrip("/") + "/").startswith(source.rstrip("/") + "/"):
        raise BadValue(
            what="destination",
            problem="it is the source or lies within it",
            expected="expected another place",
        )
