"""Pure edits of small text files, as bytes: line ends and whatever is not edited stay as they are."""

from __future__ import annotations

import re
from typing import Final

_GUESS_FROM: Final = 8192
_TOKEN: Final = re.compile(rb"[^ \t\r\n]+")


def line_end(data: bytes) -> bytes:
    r"""The line end of a file, guessed from its first 8 KiB: CR LF, LF or CR; LF when there is none."""
    head = data[:_GUESS_FROM]
    for end in (b"\r\n", b"\n", b"\r"):
        if end in head:
            return end
    return b"\n"


def with_line(data: bytes, line: bytes) -> bytes:
    """Append a line unless the file has it; a missing final line end is added first."""
    if line in data.splitlines():
        return data
    end = line_end(data)
    joint = end if data and not data.endswith((b"\n", b"\r")) else b""
    return data + joint + line + end


def with_variable(data: bytes, name: str, value: str, *, add: bool) -> bytes:
    """Set a variable of a shell-style file: `NAME=value`; quotes and blanks before it stay as they are.

    Args:
        data: the file.
        name: of the variable.
        value: must not need quoting.
        add: append the assignment when there is none.

    Returns:
        The new content.
    """
    pattern = re.compile(rb"^([ \t]*%b=)(\"?)[^\r\n]*?\2[ \t]*(?=\r?$)" % name.encode("ascii"), re.MULTILINE)
    raw = value.encode("ascii")
    if pattern.search(data):
        return pattern.sub(lambda found: found.group(1) + found.group(2) + raw + found.group(2), data)
    return with_line(data, name.encode("ascii") + b"=" + raw) if add else data


def renamed_in_hosts(data: bytes, old: str, new: str) -> bytes:
    """Give a machine its new name in /etc/hosts.

    As virt-customize does it for Debian: names that equal the old full name become the new full name, the old
    short name the new short name, and so do the installer's placeholders. Comments and addresses stay.

    Args:
        data: content of /etc/hosts.
        old: the old host name, "" when there is none or it says nothing ("localhost").
        new: the new host name.

    Returns:
        The new content.
    """
    names = _renaming(old, new)
    return b"".join(_host_line(line, names) for line in data.splitlines(keepends=True))


def _renaming(old: str, new: str) -> dict[bytes, bytes]:
    short = new.partition(".")[0].encode("ascii")
    full = new.encode("ascii")
    names = {b"unassigned-hostname": short}
    if "." in new:
        names[b"unassigned-hostname.unassigned-domain"] = full
    if old and not old.lower().startswith(("localhost", "ip6-")):
        raw = old.encode("utf-8", "surrogateescape")
        names[raw.partition(b".")[0]] = short
        names[raw] = full if b"." in raw else short
    return names


def _host_line(line: bytes, names: dict[bytes, bytes]) -> bytes:
    entry, mark, comment = line.partition(b"#")
    seen = 0
    address = _TOKEN.match(entry.lstrip(b" \t"))
    words = set(_TOKEN.findall(entry)[1:])
    if address is None or not any(names.get(word, word) != word for word in words):
        return line

    def replaced(found: re.Match[bytes]) -> bytes:
        nonlocal seen
        seen += 1
        word = found.group()
        return word if seen == 1 else names.get(word, word)

    return _TOKEN.sub(replaced, entry) + mark + comment
