r"""Command lines of Windows: how arguments become one line, and what may not. Pure.

Theory of operation: Windows gives a program one line, which the C library of the program cuts into arguments
again. `line` writes it so that what comes out is what went in. Batch files are another matter: cmd.exe reads
their line by rules of its own, so there only arguments that mean nothing to it are let through
(CVE-2024-24576 is what comes of quoting them).

Source: Microsoft's "Parsing C command-line arguments"; cmd.exe /?.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

LINE_MAX: Final = 32_767  # characters that CreateProcessW takes
_MORE: Final = ("Wbem", r"WindowsPowerShell\v1.0")
_BATCH: Final = (".bat", ".cmd")
_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
# Other marks mean something to cmd.exe, or separate words there.
_HARMLESS: Final = _LETTERS | frozenset("0123456789-_./:\\@+")


def line(argv: Sequence[str]) -> str:
    """The command line of arguments.

    Raises:
        ValueError: no program can be given this: the text says why.
    """
    if any("\0" in one for one in argv):
        raise ValueError("an argument has a NUL in it")
    program = argv[0]
    if '"' in program:
        raise ValueError("the program's name has a quotation mark in it")
    if program.rstrip(" .").lower().endswith(_BATCH) and not all(map(_HARMLESS.issuperset, argv[1:])):
        raise ValueError("cmd.exe would read something else out of an argument for a batch file")
    made = " ".join([f'"{program}"', *map(_quoted, argv[1:])])
    if len(made) >= LINE_MAX:
        raise ValueError(f"the command line is longer than {LINE_MAX - 1} characters")
    return made


def _quoted(word: str) -> str:
    """An argument; backslashes count only before quotation marks, where each is doubled."""
    if word and not set(word) & set(' \t\n\v"'):
        return word
    made = ['"']
    slashes = 0
    for char in word:
        if char == "\\":
            slashes += 1
            continue
        made.append("\\" * (2 * slashes + 1 if char == '"' else slashes) + char)
        slashes = 0
    return "".join([*made, "\\" * (2 * slashes), '"'])


def absolute(path: str) -> bool:
    r"""Whether a path has a drive and begins at its root (`C:\...`); shares and devices do not count."""
    return len(path) > 3 and path[0] in _LETTERS and path[1] == ":" and path[2] in "\\/"


def same(first: str, second: str) -> bool:
    """Whether two paths are written the same, as far as Windows is concerned."""
    return _plain(first) == _plain(second)


def _plain(path: str) -> str:
    return path.replace("/", "\\").lower()


def environment(system: str, given: dict[str, str]) -> dict[str, str]:
    r"""The variables of a child.

    Args:
        system: the system's directory (`C:\Windows`).
        given: more; names are the same whatever their case.
    """
    drive = system[:2]
    made = {
        "SystemRoot": system,
        "SystemDrive": drive,
        "windir": system,
        "ComSpec": rf"{system}\System32\cmd.exe",
        "PATH": ";".join([rf"{system}\System32", system, *(rf"{system}\System32\{one}" for one in _MORE)]),
        "PATHEXT": ".COM;.EXE;.BAT;.CMD",
        "TEMP": rf"{system}\Temp",
        "TMP": rf"{system}\Temp",
        "ProgramData": rf"{drive}\ProgramData",
    }
    for name, value in given.items():
        known = next((one for one in made if one.lower() == name.lower()), name)
        made[known] = value
    return made
