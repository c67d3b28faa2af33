"""The file of keys."""

from __future__ import annotations

import base64
import os
import threading
from pathlib import Path

import pytest

from guestwright.engine.payloads.errors import BadKeyFile, NoSuchKey
from guestwright.engine.payloads.keys import KEY_BYTES, KeyRing, drop, keys, rotate, stage, use

LINE = "0123456789abcdef " + base64.b64encode(bytes(KEY_BYTES)).decode()


def test_the_first_key_is_made_and_stays(tmp_path: Path) -> None:
    path = str(tmp_path / "keys")
    made = keys(path, os.urandom)
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert len(made.all[made.first]) == KEY_BYTES
    assert keys(path, os.urandom) == made
    assert repr(made.all[made.first]) not in repr(made)


def test_a_new_key_comes_on_top(tmp_path: Path) -> None:
    path = str(tmp_path / "keys")
    old = keys(path, os.urandom)
    new = rotate(path, os.urandom)
    assert new.first != old.first
    assert dict(new.all) == {new.first: new.all[new.first], **old.all}
    assert keys(path, os.urandom) == new
    with pytest.raises(BadKeyFile):
        rotate(str(tmp_path / "none"), os.urandom)


def test_a_key_is_staged_then_used_then_the_others_go(tmp_path: Path) -> None:
    path = str(tmp_path / "keys")
    old = keys(path, os.urandom)
    new = stage(path, os.urandom)
    staged = keys(path, os.urandom)
    assert (staged.first, list(staged.all)) == (old.first, [old.first, new])
    with pytest.raises(NoSuchKey):
        use(path, "f" * 16)
    assert use(path, new).first == new
    assert keys(path, os.urandom) == use(path, new)
    assert list(keys(path, os.urandom).all) == [new, old.first]
    assert drop(path, {old.first}) == ()
    assert drop(path, set()) == (old.first,)
    assert drop(path, set()) == ()  # the first one stays
    assert list(keys(path, os.urandom).all) == [new]
    for attempt in (lambda p: stage(p, os.urandom), lambda p: use(p, new), lambda p: drop(p, set())):
        with pytest.raises(BadKeyFile):
            attempt(str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_a_ring_follows_its_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "keys"
    ring = KeyRing(str(path), os.urandom)
    first = ring()
    assert ring() is first
    second = rotate(str(path), os.urandom)
    assert ring() == second
    assert not caplog.records
    good = path.read_bytes()
    path.write_bytes(good[:70])
    assert [ring() for _ in range(3)] == [second] * 3
    path.unlink()
    assert ring() == second
    assert not path.exists()
    assert len(caplog.records) == 2  # once for each change
    path.write_bytes(good)
    path.chmod(0o600)
    assert ring() == second


def test_engines_that_start_at_once_make_one_key(tmp_path: Path) -> None:
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(keys(str(tmp_path / "keys"), os.urandom).first))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize(
    "text",
    ["", "\n", "nonsense\n", LINE[:-1], LINE + "\n" + LINE, LINE + "\n\n", LINE.upper(), "x" * 70_000],
    ids=["empty", "blank", "words", "short", "twice", "blank-line", "capitals", "huge"],
)
def test_what_is_no_file_of_keys(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(BadKeyFile) as refused:
        keys(str(path), os.urandom)
    assert LINE[17:] not in refused.value.message


def test_others_may_not_read_it(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(LINE + "\n")
    path.chmod(0o640)
    with pytest.raises(BadKeyFile):
        keys(str(path), os.urandom)
    path.chmod(0o600)
    keys(str(path), os.urandom)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(BadKeyFile):
        keys(str(tmp_path / "link"), os.urandom)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadKeyFile):
        keys(str(tmp_path / "none" / "keys"), os.urandom)
