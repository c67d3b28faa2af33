"""Lines of `store ls`; what they must be is decided by xenstore-ls, in tests/system/cli."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.cli.store.listing import lines
from guestwright.xenstore.client.operations import Node

ROOT = Node(path="/", value=b"", perms=("n0",), depth=0)


def one(node: Node, *, full: bool = False, perms: bool = False, width: int | None = 80) -> str:
    (line,) = lines([ROOT, node], full=full, perms=perms, width=width)
    return line


@pytest.mark.parametrize(
    ("node", "options", "line"),
    [
        (Node(path="/a", value=b"1", perms=(), depth=1), {}, 'a = "1"'),
        (Node(path="/a/b", value=b"1", perms=(), depth=2), {}, ' b = "1"'),
        (Node(path="/a/b", value=b"\n", perms=(), depth=2), {"full": True, "width": None}, r'/a/b = "\n"'),
        (Node(path="/a", value=None, perms=(), depth=1), {}, "a:\n"),
        (Node(path="/a", value=b"v" * 30, perms=(), depth=1), {"width": 20}, 'a = "vvvvvvvvvvv\\..."'),
        (
            Node(path="/a", value=b"1", perms=("n0", "r5"), depth=1),
            {"perms": True, "width": 20},
            'a = "1"  . . . . . .  (n0,r5)',
        ),
        (Node(path="/a", value=b"", perms=("n0",), depth=1), {"full": True, "perms": True}, '/a = ""   (n0)'),
    ],
    ids=str,
)
def test_lines(node: Node, options: dict[str, bool], line: str) -> None:
    assert one(node, **options) == line


@given(
    st.text("abc", min_size=1, max_size=60),
    st.binary(max_size=150),
    st.integers(1, 20),
    st.one_of(st.none(), st.integers(-2, 200)),
    st.booleans(),
    st.booleans(),
)
def test_a_node_is_one_printable_line(
    name: str, value: bytes, depth: int, width: int | None, full: bool, perms: bool
) -> None:
    node = Node(path="/x" * (depth - 1) + "/" + name, value=value, perms=("n0",), depth=depth)
    line = one(node, full=full, perms=perms, width=width)
    assert line.isprintable()
    assert ("(n0)" in line) == perms


def test_names_cannot_drive_a_terminal() -> None:
    node = Node(path="/\x1b[2J", value=b"\x1b", perms=(), depth=1)
    assert one(node) == r'\x1b[2J = "\x1b"'
    assert one(node, full=True) == r'/\x1b[2J = "\x1b"'
