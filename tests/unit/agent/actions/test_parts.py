"""The pure parts of actions: names, addresses, pieces of text, mounts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.agent.actions import clipboard, disc, file_work, fsfreeze
from guestwright.agent.actions.stage import NotAllowed


@given(st.text(max_size=5000))
def test_pieces_of_text_are_text(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass").replace(b"\0", b"")
    if data != text.replace("\0", "").encode("utf-8", "replace"):
        return
    found = clipboard.pieces(text.encode())
    assert b"".join(found) == data
    for one in found:
        one.decode()
        assert 0 < len(one) <= clipboard.PIECE


@given(st.binary(max_size=5000))
def test_pieces_of_anything_end(data: bytes) -> None:
    assert b"".join(clipboard.pieces(data)) == data.replace(b"\0", b"")


MOUNTS = rb"""21 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
22 21 0:20 / /proc rw - proc proc rw
23 21 254:2 / /srv/a\040b rw - xfs /dev/vda2 rw,attr2
24 21 254:1 /home /bind rw - ext4 /dev/vda1 rw
25 21 254:3 / /ro ro - ext4 /dev/vda3 ro
26 21 254:4 / /also rw master:1 - ext4 /dev/vda4 ro
short line
"""


def test_what_can_be_frozen(tmp_path: Path) -> None:
    path = tmp_path / "mountinfo"
    path.write_bytes(MOUNTS)
    assert fsfreeze.mounted(str(path)) == ["/srv/a b", "/"]
    assert fsfreeze.mounted(str(tmp_path / "none")) == []


@pytest.mark.parametrize("path", ["x", "/a/", "/a/..", "/a/.", "/b/x", "/ax", ""])
def test_places_outside(path: str, tmp_path: Path) -> None:
    with pytest.raises(NotAllowed):
        file_work.place(path, [str(tmp_path), "/a"])


@pytest.mark.parametrize("allowed", ["/", "{top}", "{top}/", "{top}/x"])
def test_places_inside(allowed: str, tmp_path: Path) -> None:
    path = f"{tmp_path}/x"
    assert file_work.place(path, [allowed.format(top=tmp_path)]) == path


@given(st.binary(max_size=4 * disc.SECTOR))
def test_any_bytes_may_be_a_disc(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any-disc"
    descriptor = b"\1CD001\1" + data[:2000].ljust(2041, b"\0")
    path.write_bytes(bytes(16 * disc.SECTOR) + descriptor + data)
    disc.label(str(path))
    with pytest.raises(disc.BadDisc):
        disc.read_file(str(path), "no such name in any of the examples")


def test_what_is_no_disc(tmp_path: Path) -> None:
    assert disc.label(str(tmp_path / "none")) is None
    assert disc.label("/dev/null") is None
    assert disc.drives(str(tmp_path)) == []
