"""Comparing trees, and reading them from directories and tars."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.support import trees
from tests.support.trees import Difference, Meant, Node


def _file(content: str = "x", mode: int = 0o644) -> Node:
    return Node(kind="file", mode=mode, uid=0, gid=0, content=content, links=1)


_A, _B = _file("a"), _file("b")


@pytest.mark.parametrize(
    ("before", "ours", "theirs", "expected"),
    [
        pytest.param({"/x": _A}, {"/x": _A}, {"/x": _A}, [], id="same"),
        pytest.param({"/x": _A}, {}, {}, [], id="both-removed"),
        pytest.param({"/x": _A}, {}, {"/x": _A}, [Difference(path="/x", what="removed")], id="removed"),
        pytest.param({"/x": _A}, {"/x": _A}, {}, [Difference(path="/x", what="left")], id="left"),
        pytest.param({}, {"/x": _A}, {}, [Difference(path="/x", what="created")], id="created"),
        pytest.param({}, {}, {"/x": _A}, [Difference(path="/x", what="not-created")], id="not-created"),
        pytest.param(
            {"/x": _A},
            {"/x": _B},
            {"/x": _A},
            [Difference(path="/x", what="changed", fields=("content",))],
            id="changed",
        ),
        pytest.param(
            {"/x": _A},
            {"/x": _file("b", 0o600)},
            {"/x": _A},
            [Difference(path="/x", what="changed", fields=("mode", "content"))],
            id="two-fields",
        ),
    ],
)
def test_compare(
    before: trees.Tree, ours: trees.Tree, theirs: trees.Tree, expected: list[Difference]
) -> None:
    assert trees.compare(before, ours, theirs) == expected


def test_judge_tells_what_nobody_meant_and_what_is_never_needed() -> None:
    rows = [Meant(pattern="/a/*", what="left", reason="-"), Meant(pattern="/b", what="left", reason="-")]
    found = [Difference(path="/a/1", what="left"), Difference(path="/b", what="removed")]
    assert trees.judge(found, rows) == (found[1:], rows[1:])


def test_judge_holds_what_changed_of_a_path_against_its_row() -> None:
    mode = Difference(path="/a", what="changed", fields=("mode",))
    more = Difference(path="/a", what="changed", fields=("mode", "uid"))
    row = Meant(pattern="/a", what="changed", fields=("mode",), reason="-")
    assert trees.judge([mode], [row]) == ([], [])
    assert trees.judge([more], [row]) == ([more], [row])


def test_a_tar_and_its_directory_are_the_same_tree(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    (top / "d").mkdir()
    (top / "d" / "file").write_bytes(b"content")
    os.link(top / "d" / "file", top / "linked")
    (top / "link").symlink_to("/nowhere")
    os.mkfifo(top / "fifo")
    (top / os.fsdecode(b"odd\xff\n name")).write_bytes(b"")
    os.setxattr(top / "d" / "file", "user.note", b"n\x00\xff")
    tar = tmp_path / "tar"
    subprocess.run(
        ["tar", "--xattrs", "--format=posix", "--numeric-owner", "-C", top, "-cf", tar, "."], check=True
    )
    with tarfile.open(tar, encoding="utf-8", errors="surrogateescape") as archive:
        assert trees._from_tar(archive) == trees.directory(str(top))
