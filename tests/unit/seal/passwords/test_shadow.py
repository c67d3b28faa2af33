"""/etc/shadow comes back byte for byte but for one field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.seal.passwords import shadow

HASH = "$6$salt$" + "h" * 86
LINES = b"root:old:19000:0:99999:7:::\nbin:*:1::::::\n# odd\n+::::::::\neve:!old:2:0:9:7:::"


@pytest.mark.parametrize(
    ("user", "before", "after"),
    [
        ("root", b"root:old:19000:0", b"root:" + HASH.encode() + b":20000:0"),
        ("bin", b"bin:*:1:", b"bin:" + HASH.encode() + b":20000:"),
        ("eve", b"eve:!old:2:", b"eve:" + HASH.encode() + b":20000:"),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_set_password(user: str, before: bytes, after: bytes, end: bytes) -> None:
    data = LINES.replace(b"\n", end)
    new = shadow.set_password(data, user, HASH, 20000)
    assert new == data.replace(before, after)
    assert new is not None
    assert shadow.set_password(new, user, HASH, 20001) == new


def test_every_line_of_a_user_is_edited() -> None:
    data = b"root:a:1:\nroot:b:2:\n"
    assert shadow.set_password(data, "root", "*", 3) == b"root:*:3:\nroot:*:3:\n"


def test_short_lines() -> None:
    assert shadow.set_password(b"root:x", "root", "*", 3) == b"root:*"
    assert shadow.set_password(b"root\n", "root", "*", 3) is None


def test_lock_keeps_the_rest() -> None:
    new = shadow.lock(LINES, "root")
    assert new == LINES.replace(b"root:old", b"root:!old")
    assert new is not None
    assert shadow.lock(new, "root") == new
    assert shadow.lock(LINES, "eve") == LINES
    assert shadow.lock(LINES, "nobody") is None


_FIELD = st.binary(max_size=8).filter(lambda raw: not set(raw) & set(b":\r\n"))
_LINE = st.lists(_FIELD, min_size=1, max_size=9).map(b":".join)


@given(st.lists(_LINE, max_size=6), st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_other_users_stay_byte_for_byte(lines: list[bytes], end: bytes, last: bool) -> None:
    others = [line for line in lines if line.split(b":")[0] != b"eve"]
    text = end.join([*others, b"eve:old:1:0:::::"]) + (end if last else b"")
    new = shadow.set_password(text, "eve", HASH, 20000)
    assert (
        new
        == text[: text.rindex(b"eve:old:1")]
        + b"eve:"
        + HASH.encode()
        + b":20000"
        + text[text.rindex(b"eve:old:1") + 9 :]
    )


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    new = shadow.set_password(data, "root", "*", 1)
    assert new is None or shadow.set_password(new, "root", "*", 2) == new
