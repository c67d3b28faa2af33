"""What the value of each customising option means."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable
from typing import Final

from guestwright.seal.customise import directives as d
from guestwright.seal.customise.errors import BadOption
from guestwright.seal.customise.local import copy_in, newest_public_key, read_file
from guestwright.seal.customise.selectors import Context, select_password
from guestwright.seal.passwords.hashing import Scheme

Parse = Callable[[str, str, Context], list[d.Directive]]
"""From option name, its value and the context to directives."""

_OCTAL: Final = re.compile(r"(?:0o)?[0-7]{1,5}")
_EDIT: Final = re.compile(r"s([^\w\s\\])")
_MAX_KEY_FILE: Final = 256 * 1024


def _bad(option: str, problem: str, expected: str) -> BadOption:
    return BadOption(option=option, problem=problem, advice=f"expected {expected}")


def _pair(option: str, value: str, expected: str) -> tuple[str, str]:
    """Both sides of the first colon; the value is not repeated in the error, it may be secret."""
    head, colon, rest = value.partition(":")
    if not (colon and head and rest):
        raise _bad(option, "its value has not the right form", expected)
    return head, rest


def _hostname(option: str, value: str, context: Context) -> list[d.Directive]:
    del option, context
    return [d.SetHostname(name=value)]


def _timezone(option: str, value: str, context: Context) -> list[d.Directive]:
    del option, context
    return [d.SetTimezone(name=value)]


def _root_password(option: str, value: str, context: Context) -> list[d.Directive]:
    return [select_password(option, "root", value, context)]


def _password(option: str, value: str, context: Context) -> list[d.Directive]:
    user, selector = _pair(option, value, "USER:SELECTOR")
    return [select_password(option, user, selector, context)]


def _password_crypto(option: str, value: str, context: Context) -> list[d.Directive]:
    if value not in set(Scheme):
        raise _bad(option, "unknown kind of hash", "sha512 or yescrypt")
    context.scheme = Scheme(value)
    return []


def _lock(option: str, value: str, context: Context) -> list[d.Directive]:
    del option, context
    return [d.LockAccount(user=value)]


def _ssh_inject(option: str, value: str, context: Context) -> list[d.Directive]:
    user, _, selector = value.partition(":")
    kind, _, rest = selector.partition(":")
    if kind == "string" and rest:
        keys = rest
    elif (kind == "file" and rest) or not selector:
        path = rest or newest_public_key(option, context.home)
        keys = read_file(option, path, limit=_MAX_KEY_FILE)[0].decode("utf-8", "replace")
    else:
        raise _bad(option, "unknown key selector", "USER, USER:file:PATH or USER:string:KEY")
    return [d.InjectSshKey(user=user, keys=keys.strip())]


def _firstboot(option: str, value: str, context: Context) -> list[d.Directive]:
    del context
    script, _ = read_file(option, value)
    name = re.sub(r"[^A-Za-z0-9_]", "-", os.path.basename(value))[:60] or "script"
    return [d.FirstBoot(script=script, name=name)]


def _firstboot_command(option: str, value: str, context: Context) -> list[d.Directive]:
    del option, context
    return [d.FirstBootCommand(command=value)]


def _write(option: str, value: str, context: Context) -> list[d.Directive]:
    del context
    path, colon, text = value.partition(":")
    if not colon:
        raise _bad(option, "its value has not the right form", "FILE:CONTENT")
    return [d.WriteFile(path=path, data=text.encode("utf-8", "surrogateescape"))]


def _append_line(option: str, value: str, context: Context) -> list[d.Directive]:
    del context
    path, line = _pair(option, value, "FILE:LINE")
    return [d.AppendLine(path=path, line=line)]


def _edit(option: str, value: str, context: Context) -> list[d.Directive]:
    del context
    expected = "FILE:s/REGEX/REPLACEMENT/ and perhaps g or i after it; the slash may be another sign"
    path, expression = _pair(option, value, expected)
    begin = _EDIT.match(expression)
    parts = _split(expression[2:], begin.group(1)) if begin else []
    if len(parts) != 3:
        raise _bad(option, "not a substitution", expected)
    return [d.EditFile(path=path, regex=parts[0], replacement=parts[1], flags=parts[2])]


def _split(text: str, sign: str) -> list[str]:
    """Split at `sign` where no backslash stands before it; a backslash before `sign` is dropped."""
    parts = [""]
    escaped = False
    for char in text:
        if escaped:
            parts[-1] += char if char == sign else f"\\{char}"
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == sign:
            parts.append("")
        else:
            parts[-1] += char
    return [*parts[:-1], parts[-1] + "\\" * escaped]


def _upload(option: str, value: str, context: Context) -> list[d.Directive]:
    del context
    local, dest = _pair(option, value, "LOCAL:DEST")
    data, facts = read_file(option, local)
    mode = facts.st_mode & 0o7777
    return [d.UploadFile(path=dest, data=data, mode=mode, uid=facts.st_uid, gid=facts.st_gid)]


def _copy_in(option: str, value: str, context: Context) -> list[d.Directive]:
    del context
    local, directory = _pair(option, value, "LOCAL:DIRECTORY")
    return copy_in(option, local, directory)


def _copy(option: str, value: str, context: Context) -> list[d.Directive]:
    del context
    source, dest = _pair(option, value, "SOURCE:DEST")
    return [d.CopyInside(source=source, dest=dest)]


def _move(option: str, value: str, context: Context) -> list[d.Directive]:
    del context
    source, dest = _pair(option, value, "SOURCE:DEST")
    return [d.MoveInside(source=source, dest=dest)]


def _chmod(option: str, value: str, context: Context) -> list[d.Directive]:
    del context
    mode, path = _pair(option, value, "MODE:FILE")
    if not _OCTAL.fullmatch(mode):
        raise _bad(option, "the mode is not an octal number", "for example 0644:/etc/motd")
    return [d.Chmod(mode=int(mode.removeprefix("0o"), 8), path=path)]


def _chown(option: str, value: str, context: Context) -> list[d.Directive]:
    del context
    uid, gid, path = (*value.split(":", 2), "", "")[:3]
    if not all(one.isascii() and one.isdigit() and len(one) <= 10 for one in (uid, gid)) or not path:
        raise _bad(option, "its value has not the right form", "UID:GID:PATH with numbers")
    return [d.Chown(uid=int(uid), gid=int(gid), path=path)]


def _link(option: str, value: str, context: Context) -> list[d.Directive]:
    del context
    target, links = _pair(option, value, "TARGET:LINK, or several links")
    return [d.LinkTo(target=target, links=tuple(links.split(":")))]


def _path_option(make: Callable[[str], d.Directive]) -> Parse:
    def parse(option: str, value: str, context: Context) -> list[d.Directive]:
        del option, context
        return [make(value)]

    return parse


PARSERS: Final[dict[str, Parse]] = {
    "--hostname": _hostname,
    "--timezone": _timezone,
    "--root-password": _root_password,
    "--password": _password,
    "--password-crypto": _password_crypto,
    "--lock": _lock,
    "--ssh-inject": _ssh_inject,
    "--firstboot": _firstboot,
    "--firstboot-command": _firstboot_command,
    "--write": _write,
    "--append-line": _append_line,
    "--edit": _edit,
    "--upload": _upload,
    "--copy-in": _copy_in,
    "--copy": _copy,
    "--move": _move,
    "--mkdir": _path_option(lambda path: d.MakeDirectories(path=path)),
    "--delete": _path_option(lambda path: d.Delete(glob=path)),
    "--scrub": _path_option(lambda path: d.Delete(glob=path, scrub=True)),
    "--truncate": _path_option(lambda path: d.TruncateFile(path=path)),
    "--truncate-recursive": _path_option(lambda path: d.TruncateRecursive(path=path)),
    "--touch": _path_option(lambda path: d.Touch(path=path)),
    "--chmod": _chmod,
    "--chown": _chown,
    "--link": _link,
}
