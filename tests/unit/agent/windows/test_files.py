"""Which files of a Windows guest the host may reach; links are a table here."""

from __future__ import annotations

import pytest

from guestwright.agent.actions.stage import NotAllowed
from guestwright.agent.windows.files import place

LINKS = {"c:\\logs\\away": "C:\\Windows", "c:\\other": "C:\\Logs", "c:\\far": "\\\\server\\share"}


def resolved(path: str) -> str:
    plain = path.rstrip("\\")
    return LINKS.get(plain.lower(), plain)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("C:\\Logs\\a.log", "C:\\Logs\\a.log"),
        ("c:/LOGS/sub/ä b.log", "c:\\LOGS\\sub\\ä b.log"),
        ("C:\\other\\a.log", "C:\\Logs\\a.log"),
        ("C:\\one.txt", "C:\\one.txt"),
    ],
)
def test_allowed(path: str, found: str) -> None:
    assert place(path, ["C:/Logs", "C:\\one.txt"], resolved) == found


@pytest.mark.parametrize(
    "path",
    [
        "",
        "C:\\",
        "C:\\Logs\\",
        "Logs\\a",
        "\\\\server\\share\\a",
        "\\\\.\\C:\\Logs\\a",
        "C:\\Logs\\..\\a",
        "C:\\Logs\\.\\a",
        "C:\\Logs\\\\a",
        "C:\\Logs\\a:stream",
        "C:\\Logs\\a.",
        "C:\\Logs\\a ",
        "C:\\Logs\\NUL",
        "C:\\Logs\\com1.txt",
        "C:\\Logs\\con .x",
        "C:\\Logs\\a\nb",
        "C:\\Logs\\a\0b",
        "C:\\Logs2\\a",
        "C:\\Logs\\away\\a",
        "C:\\far\\a",
        "D:\\Logs\\a",
    ],
)
def test_refused(path: str) -> None:
    with pytest.raises(NotAllowed):
        place(path, ["C:\\Logs"], resolved)
