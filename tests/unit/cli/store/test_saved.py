"""The form of dumps."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.base.errors import UsageError
from guestwright.cli.store.errors import BadDump
from guestwright.cli.store.saved import Saved, document, parse
from guestwright.xenstore.client.operations import Node

NAMES = st.text("abc-_0", min_size=1, max_size=5)
NODES = st.lists(st.tuples(st.lists(NAMES, min_size=1, max_size=3), st.binary(max_size=20)), max_size=5)


@given(st.sampled_from(["/", "/vm", "relative", "/a/b"]), NODES)
def test_what_is_dumped_can_be_parsed(root: str, parts: list[tuple[list[str], bytes]]) -> None:
    nodes = [Node(path=root, value=b"r", perms=("n0",), depth=0)]
    for names, value in parts:
        path = root.rstrip("/") + "/" + "/".join(names)
        nodes.append(Node(path=path, value=value, perms=("n0", "r5"), depth=len(names)))
    where, saved = parse(json.dumps(document(root, nodes)), "-")
    assert where == root
    assert saved[0] == Saved(path="", value=b"r", perms=("n0",))
    assert [(root.rstrip("/") + one.path, one.value) for one in saved[1:]] == [
        (one.path, one.value) for one in nodes[1:]
    ]


HEAD = {"kind": "guestwright.store.dump", "schema": 1, "root": "/"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[" * 100_000,
        "[]",
        "{}",
        json.dumps({**HEAD, "kind": "else", "nodes": []}),
        json.dumps({**HEAD, "schema": 2, "nodes": []}),
        json.dumps({**HEAD, "root": 1, "nodes": []}),
        json.dumps({**HEAD, "nodes": {}}),
        json.dumps({**HEAD, "nodes": [1]}),
        json.dumps({**HEAD, "nodes": [{"path": "a", "value": "", "perms": []}]}),
        json.dumps({**HEAD, "nodes": [{"path": "", "value": 1, "perms": []}]}),
        json.dumps({**HEAD, "nodes": [{"path": "", "value": "", "perms": [0]}]}),
        json.dumps({**HEAD, "nodes": [{"path": "", "value": "", "perms": "n0"}]}),
    ],
    ids=range(14),
)
def test_what_is_no_dump(text: str) -> None:
    with pytest.raises(BadDump):
        parse(text, "file")


def test_a_value_with_a_broken_escape() -> None:
    with pytest.raises(UsageError):
        parse(json.dumps({**HEAD, "nodes": [{"path": "", "value": "\\", "perms": []}]}), "file")
