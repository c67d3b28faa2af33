"""Encrypted files, the host's key, and what is kept in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guestwright.base.record import replace
from guestwright.host.media.contents import CONTENTS_MAX, pack, unpack
from guestwright.host.media.errors import (
    BadHostKey,
    PayloadContentsTooBig,
    PayloadNotKept,
    PayloadUnreadable,
)
from guestwright.host.media.shelf import Shelf, file_system, new_name
from guestwright.host.media.vault import Vault, host_key
from guestwright.media.sources.model import Form, Payload
from guestwright.media.tree import FileSource, MediaFile, MediaTree
from tests.support.payload_bench import CANARY, MEMORY, cloud

KEY = bytes(range(32))


def test_what_was_put_comes_back_and_is_nowhere_to_be_read(tmp_path: Path) -> None:
    vault = Vault(str(tmp_path / "v"), KEY)
    vault.put("a.b", CANARY.encode())
    assert vault.get("a.b") == CANARY.encode()
    assert vault.names() == ["a.b"]
    (file,) = (tmp_path / "v").iterdir()
    assert CANARY.encode() not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    vault.put("a.b", b"two")
    assert Vault(str(tmp_path / "v"), KEY).get("a.b") == b"two"
    vault.remove("a.b")
    vault.remove("a.b")
    assert vault.get("a.b") is None


def test_what_was_changed_renamed_or_has_another_key_is_refused(tmp_path: Path) -> None:
    vault = Vault(str(tmp_path), KEY)
    vault.put("one", b"text")
    good = (tmp_path / "one.sealed").read_bytes()
    (tmp_path / "two.sealed").write_bytes(good)
    for name in ("two", "one"):
        with pytest.raises(PayloadUnreadable, match=name):
            (vault if name == "two" else Vault(str(tmp_path), bytes(32))).get(name)
    for at in (0, 5, len(good) - 1):
        bad = bytearray(good)
        bad[at] ^= 1
        (tmp_path / "one.sealed").write_bytes(bytes(bad))
        with pytest.raises(PayloadUnreadable):
            vault.get("one")
    for short in (b"", good[:10]):
        (tmp_path / "one.sealed").write_bytes(short)
        with pytest.raises(PayloadUnreadable):
            vault.get("one")


@pytest.mark.parametrize("name", ["../a", "a/b", "", ".", "A", "a\n"])
def test_names_stay_in_the_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Vault(str(tmp_path), KEY).put(name, b"")


def test_a_directory_that_others_look_into_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v").chmod(0o755)
    with pytest.raises(PayloadNotKept):
        Vault(str(tmp_path / "v"), KEY)


def test_the_key_is_made_once(tmp_path: Path) -> None:
    path = str(tmp_path / "key")
    key = host_key(path)
    assert len(key) == 32
    assert host_key(path) == key
    assert os.stat(path).st_mode & 0o777 == 0o600
    os.chmod(path, 0o640)
    with pytest.raises(BadHostKey, match="others"):
        host_key(path)
    os.chmod(path, 0o600)
    Path(path).write_bytes(b"short")
    with pytest.raises(BadHostKey, match="32 bytes"):
        host_key(path)


def test_contents_come_back(tmp_path: Path) -> None:
    payload = cloud()
    assert unpack(pack(payload)).tree == payload.tree
    file = tmp_path / "large"
    file.write_bytes(b"x" * 10)
    tree = MediaTree(
        files=(
            MediaFile(path="/a", source=FileSource(path=str(file), size=10), mode=0o755),
            MediaFile(path="/é/b", source=b"\n\0"),
        ),
        directories=("/empty",),
    )
    found = unpack(pack(Payload(form=Form.FILES, label="X", tree=tree)))
    assert found.tree.directories == ("/empty",)
    assert [(one.path, one.source, one.mode) for one in found.tree.files] == [
        ("/a", b"x" * 10, 0o755),
        ("/é/b", b"\n\0", 0o444),
    ]
    much = MediaTree(files=(MediaFile(path="/a", source=FileSource(path="x", size=CONTENTS_MAX + 1)),))
    with pytest.raises(PayloadContentsTooBig):
        pack(replace(payload, tree=much))
    with pytest.raises(ValueError, match="sizes"):
        unpack(pack(payload)[:-1])


def test_images_are_in_memory_or_nowhere(tmp_path: Path) -> None:
    assert file_system(MEMORY) == "tmpfs"
    if file_system(str(tmp_path)) != "tmpfs":
        with pytest.raises(PayloadNotKept, match="not in memory"):
            Shelf(str(tmp_path / "images"))
    assert len({new_name() for _ in range(100)}) == 100
    with pytest.raises(ValueError, match="digits"):
        Shelf(str(tmp_path / "images"), in_memory=False).path("../../etc/passwd")
