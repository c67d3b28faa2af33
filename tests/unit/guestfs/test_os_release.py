"""os-release."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.guestfs import os_release


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("ID=debian\n", {"ID": "debian"}),
        ("ID=debian", {"ID": "debian"}),
        ("ID=debian\r\nVERSION_ID=12\r\n", {"ID": "debian", "VERSION_ID": "12"}),
        ('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"', {"PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)"}),
        ("NAME='Fedora Linux'", {"NAME": "Fedora Linux"}),
        ('A="a \\"b\\" \\$c \\\\ \\` \\n"', {"A": 'a "b" $c \\ ` \\n'}),
        ("A='a\\'", {"A": "a\\"}),
        ("A=a\\ b", {"A": "a b"}),
        ("A=a\"b c\"'d'", {"A": "ab cd"}),
        ("A=", {"A": ""}),
        ('A=""', {"A": ""}),
        ("A=1\nA=2", {"A": "2"}),
        ("  A=1  ", {"A": "1"}),
        ("A=b # comment", {"A": "b"}),
        ("A=b;rm -rf /", {"A": "b"}),
        ("A=$(reboot)", {"A": "$"}),
        ("# A=1\n#\n\n", {}),
        ("A = 1", {}),
        ("1A=1\nA-B=1\n=1\nexport A=1", {}),
        ('A="open', {}),
        ("A='open\nB=1", {"B": "1"}),
        ("A=" + "x" * 5000, {}),
        ("A=ü", {"A": "ü"}),
        ("A=\udcff", {"A": "\udcff"}),
    ],
)
def test_parse(text: str, expected: dict[str, str]) -> None:
    assert os_release.parse(text) == expected


def test_parse_is_bounded() -> None:
    assert len(os_release.parse("\n".join(f"A{n}=1" for n in range(10_000)))) == os_release.MAX_LINES


@settings(deadline=None)
@given(st.text())
def test_parse_takes_anything(text: str) -> None:
    os_release.parse("A=" + text)
    os_release.parse(text)


@settings(deadline=None)
@given(st.text(alphabet=st.characters(blacklist_categories=["Cs", "Cc"]), max_size=50))
def test_parse_reads_back_what_a_shell_would(value: str) -> None:
    assert os_release.parse(f"A={shlex.quote(value)}\n") == {"A": value}
