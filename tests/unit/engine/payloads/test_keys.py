"""The file of keys."""

from __future__ import annotations

import base64
import os
import threading
from pathlib import Path

import pytest

from guestwright.engine.payloads.errors import BadKeyFile
from guestwright.engine.payloads.keys import KEY_BYTES, keys, rotate

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
