"""Command lines, and what the owner of a Windows guest allows to be run."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guestwright.agent.actions.stage import NotAllowed
from guestwright.agent.windows import commands
from guestwright.agent.windows.actions.exec import chosen

CMD = r"C:\Windows\System32\cmd.exe"


def cut(line: str) -> list[str]:
    """Arguments as Microsoft's C library cuts them, written after its documentation and not after ours."""
    end = line.index('"', 1)
    found, rest = [line[1:end]], line[end + 1 :]
    at = 0
    while True:
        while at < len(rest) and rest[at] in " \t":
            at += 1
        if at == len(rest):
            return found
        word, quoted = "", False
        while at < len(rest) and (quoted or rest[at] not in " \t"):
            slashes = 0
            while at < len(rest) and rest[at] == "\\":
                slashes, at = slashes + 1, at + 1
            if at < len(rest) and rest[at] == '"':
                word += "\\" * (slashes // 2)
                if slashes % 2:
                    word += '"'
                else:
                    quoted = not quoted
                at += 1
            else:
                word += "\\" * slashes
                if at < len(rest) and (quoted or rest[at] not in " \t"):
                    word += rest[at]
                    at += 1
        found.append(word)


@given(st.lists(st.text(st.sampled_from('a b\t"\\é&|%'), max_size=8), max_size=4))
@example(["", "\\", "\\\\", 'a\\"b', "a b\\"])
def test_a_program_gets_what_was_given(more: list[str]) -> None:
    assert cut(commands.line([CMD, *more])) == [CMD, *more]


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["C:\\a.exe", "x\0y"], "NUL"),
        (['C:\\a".exe'], "quotation"),
        (["C:\\a.bat", "a&b"], "batch file"),
        (["C:\\A.CMD. ", "%PATH%"], "batch file"),
        (["C:\\a.cmd", '"'], "batch file"),
        (["C:\\a.exe", "x" * 32_767], "longer"),
    ],
    ids=["nul", "quote", "ampersand", "percent", "mark", "long"],
)
def test_what_no_program_can_be_given(argv: list[str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        commands.line(argv)


def test_batch_files_get_plain_arguments() -> None:
    assert commands.line(["C:\\a b.cmd", "/now", "C:\\x"]) == '"C:\\a b.cmd" /now C:\\x'


@pytest.mark.parametrize(
    ("path", "is_absolute"),
    [
        (CMD, True),
        ("c:/windows/x.exe", True),
        ("cmd.exe", False),
        (r"\\server\share\x.exe", False),
        (r"\\.\pipe\x", False),
        (r"C:x.exe", False),
        ("C:\\", False),
        ("1:\\x", False),
        ("", False),
    ],
)
def test_absolute_paths(path: str, is_absolute: bool) -> None:
    assert commands.absolute(path) is is_absolute


def test_variables() -> None:
    made = commands.environment(r"D:\Win", {"path": "mine", "LANG": "de"})
    assert made["PATH"] == "mine"
    assert "path" not in made
    assert (made["LANG"], made["SystemDrive"], made["TEMP"]) == ("de", "D:", r"D:\Win\Temp")


def request(**fields: list[str]) -> dict[str, list[str]]:
    return {"kind": ["command"], "arg": [CMD, "/c"], **fields}


@pytest.mark.parametrize(
    ("fields", "listed", "why"),
    [
        pytest.param({}, [], "list of the guest's owner", id="unlisted"),
        pytest.param({"arg": []}, ["*"], "absolute path", id="nothing"),
        pytest.param({"arg": ["cmd.exe"]}, ["*"], "absolute path", id="relative"),
        pytest.param({"arg": [r"\\host\x.exe"]}, ["*"], "absolute path", id="share"),
        pytest.param({"user": ["anna"]}, ["*"], "as the agent itself", id="user"),
        pytest.param({"cwd": ["C:\\"]}, [CMD], "directory", id="directory"),
        pytest.param({"env": ["PATH=C:\\evil"]}, [CMD], "variables", id="variable"),
        pytest.param({"env": ["=C:=x"]}, ["*"], "no name", id="nameless"),
        pytest.param({"env": ["A=b\0C=d"]}, ["*"], "NUL", id="nul"),
    ],
)
def test_refused(fields: dict[str, list[str]], listed: list[str], why: str) -> None:
    with pytest.raises(NotAllowed, match=why):
        chosen(request(**fields), listed)


@pytest.mark.parametrize("listed", ["c:/WINDOWS/system32/CMD.EXE", CMD, "*"])
def test_allowed(listed: str) -> None:
    assert chosen(request(env=["LANG=de"]), [listed]) == ([CMD, "/c"], {"LANG": "de"}, "")


def test_where_all_is_allowed_the_host_chooses_more() -> None:
    fields = request(cwd=["C:\\x"], env=["PATH=y"], user=["SYSTEM"])
    assert chosen(fields, ["*"]) == ([CMD, "/c"], {"PATH": "y"}, "C:\\x")
