"""Matching in linear time: Thompson's construction, all states followed at once.

See Ken Thompson, "Regular expression search algorithm", CACM 11 (1968) 6. There is no backtracking, so the
time is at most (length of the text) times (number of states), whatever the pattern.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from guestwright.seal.selinux.expression import (
    Anchor,
    Chars,
    Choice,
    ExpressionError,
    Look,
    Node,
    Repeat,
    Sequence,
)

MAX_STATES: Final = 4000
MAX_STEPS: Final = 20_000
"""Of construction: repeated empty groups cost time without making states."""
_FINAL: Final = -1


class Automaton:
    """A compiled expression; `ExpressionError` when it is too large or uses what only a backtracker can do.

    State i reads a byte out of `_mask[i]` and goes on to `_next[i][0]`; where the mask is 0 it goes on to all
    of `_next[i]` without reading.
    """

    __slots__ = ("_mask", "_next", "_start", "_steps")

    def __init__(self, node: Node) -> None:
        self._mask: list[int] = []
        self._next: list[tuple[int, ...]] = []
        self._steps = 0
        self._start = self._build(node, _FINAL)

    def matches(self, text: bytes) -> bool:
        """Whether the whole of `text` matches."""
        states = self._closure((self._start,))
        for byte in text:
            mask, following = self._mask, self._next
            states = self._closure([following[s][0] for s in states if s != _FINAL and mask[s] >> byte & 1])
            if not states:
                return False
        return _FINAL in states

    def _closure(self, states: Iterable[int]) -> set[int]:
        """The reading states (and the final one) that `states` lead to without reading."""
        found: set[int] = set()
        seen: set[int] = set()
        stack = list(states)
        while stack:
            state = stack.pop()
            if state == _FINAL or self._mask[state]:
                found.add(state)
            elif state not in seen:
                seen.add(state)
                stack.extend(self._next[state])
        return found

    def _add(self, mask: int, *following: int) -> int:
        if len(self._mask) >= MAX_STATES:
            raise ExpressionError(f"more than {MAX_STATES} states")
        self._mask.append(mask)
        self._next.append(following)
        return len(self._mask) - 1

    def _build(self, node: Node, after: int) -> int:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise ExpressionError(f"more than {MAX_STEPS} steps to build")
        match node:
            case Chars(mask=mask):
                return self._add(mask or 1 << 256, after)
            case Sequence(items=items):
                for item in reversed(items):
                    after = self._build(item, after)
                return after
            case Choice(items=items):
                return self._add(0, *[self._build(item, after) for item in items])
            case Repeat():
                return self._repeat(node, after)
            case Anchor() | Look():
                raise ExpressionError("anchors and look-around inside a pattern are not supported")

    def _repeat(self, node: Repeat, after: int) -> int:
        if node.high is None:
            loop = self._add(0)
            self._next[loop] = (self._build(node.item, loop), after)
            after = loop
        else:
            end = after
            for _ in range(node.high - node.low):
                after = self._add(0, self._build(node.item, after), end)
        for _ in range(node.low):
            after = self._build(node.item, after)
        return after
