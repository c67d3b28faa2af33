from __future__ import annotations

import ast
from pathlib import Path

import pytest

from guestwright.agent.core import schema
from guestwright.agent.core.conversations import WORDS

AGENT = Path(__file__).parents[4] / "src/guestwright/agent"
TOPS = ("control/", "data/", "xenserver/", "device/", "memory/", "attr/")


def keys(path: Path) -> set[str]:
    """The keys that stand in a module, as text or bytes."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value.decode("ascii", "replace") if isinstance(node.value, bytes) else node.value
            if text.startswith(TOPS) and " " not in text:
                found.add(text)
    return found


@pytest.mark.parametrize("path", sorted((AGENT / "actions").glob("*.py")), ids=lambda path: path.name)
def test_every_key_of_an_action_is_in_the_table(path: Path) -> None:
    paths = [word.path for word in WORDS] + [row.path for row in schema.ROWS]
    for key in keys(path):
        assert any(one == key or one.startswith(key.rstrip("/") + "/") for one in paths), key


def test_words_are_well_formed() -> None:
    assert len({word.path for word in WORDS}) == len(WORDS)
    assert {word.writer for word in WORDS} <= {"host", "guest", "kernel", "both"}
    assert not {word.path for word in WORDS} & {row.path for row in schema.ROWS}
