"""Regular expressions of others, parsed by us: for the guest's SELinux policy and for users' edits.

Theory of operation: a backtracking matcher run over a pattern and a text of which a stranger chose one can
take years. So patterns are parsed here into a small tree, which has two uses: `automaton.compile_expression`
matches it in time linear in the text (SELinux policies, where the guest chose the pattern), and `cost_order`
says whether a backtracking matcher is safe on it (edits, where the user chose the pattern and the guest the
text). The syntax is that of PCRE (pcre2pattern(3)) as far as policies use it; patterns are bytes, because
that is how libselinux matches them.
"""

from __future__ import annotations

from typing import Final

from guestwright.base.record import record

MAX_PATTERN: Final = 4096
MAX_DEPTH: Final = 40
MAX_REPEAT: Final = 255

ANY: Final = (1 << 256) - 1


class ExpressionError(ValueError):
    """The pattern is malformed, too large, or uses something beyond this parser."""


@record(kw_only=False)
class Chars:
    """One byte out of a set; bit n of `mask` stands for byte n."""

    mask: int


@record(kw_only=False)
class Sequence:
    """All of `items`, one after the other."""

    items: tuple[Node, ...]


@record(kw_only=False)
class Choice:
    """Any one of `items`."""

    items: tuple[Node, ...]


@record(kw_only=False)
class Repeat:
    """`item`, `low` to `high` times; `high` None is without end."""

    item: Node
    low: int
    high: int | None


@record(kw_only=False)
class Anchor:
    """`^` or `$`."""

    end: bool


@record(kw_only=False)
class Look:
    """Look-ahead, look-behind or a word boundary: legal in edits, beyond the automaton."""

    item: Node


Node = Chars | Sequence | Choice | Repeat | Anchor | Look

_DIGIT: Final = sum(1 << c for c in b"0123456789")
_WORD: Final = sum(1 << c for c in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_SPACE: Final = sum(1 << c for c in b" \t\n\r\f\v")
_LOWER: Final = sum(1 << c for c in b"abcdefghijklmnopqrstuvwxyz")
_UPPER: Final = sum(1 << c for c in b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_CLASSES: Final = {
    ord("d"): _DIGIT,
    ord("w"): _WORD,
    ord("s"): _SPACE,
    ord("D"): ANY & ~_DIGIT,
    ord("W"): ANY & ~_WORD,
    ord("S"): ANY & ~_SPACE,
}
_CONTROLS: Final = {ord("n"): 10, ord("t"): 9, ord("r"): 13, ord("f"): 12, ord("a"): 7, ord("e"): 27}
_POSIX: Final = {
    b"alpha": _LOWER | _UPPER,
    b"digit": _DIGIT,
    b"alnum": _LOWER | _UPPER | _DIGIT,
    b"lower": _LOWER,
    b"upper": _UPPER,
    b"space": _SPACE,
    b"word": _WORD,
    b"xdigit": _DIGIT | sum(1 << c for c in b"abcdefABCDEF"),
}


def parse_expression(pattern: bytes) -> Node:
    """Parse a pattern.

    Args:
        pattern: at most 4096 bytes, groups nested at most 40 deep.

    Returns:
        The tree. Capturing and plain groups are the same here; lazy quantifiers are as greedy ones, for what
        matches as a whole does not depend on it.

    Raises:
        ExpressionError: malformed or too large, or it has back-references, inline flags, possessive
            quantifiers, atomic groups or conditions.
    """
    if len(pattern) > MAX_PATTERN:
        raise ExpressionError(f"longer than {MAX_PATTERN} bytes")
    parser = _Parser(pattern)
    node = parser.choice(0)
    if parser.at < len(pattern):
        raise ExpressionError("unbalanced parenthesis")
    return node


class _Parser:
    """Recursive descent; `at` is the next byte."""

    def __init__(self, pattern: bytes) -> None:
        self.pattern = pattern
        self.at = 0

    def choice(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise ExpressionError(f"groups nested deeper than {MAX_DEPTH}")
        branches = [self.sequence(depth)]
        while self.peek(b"|"):
            self.at += 1
            branches.append(self.sequence(depth))
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def sequence(self, depth: int) -> Node:
        items: list[Node] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in b"|)":
            items.append(self.quantified(self.atom(depth)))
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def peek(self, text: bytes) -> bool:
        return self.pattern.startswith(text, self.at)

    def take(self) -> int:
        if self.at >= len(self.pattern):
            raise ExpressionError("ends too early")
        self.at += 1
        return self.pattern[self.at - 1]

    def atom(self, depth: int) -> Node:
        byte = self.take()
        if byte in b"*+?":
            raise ExpressionError("quantifier with nothing before it")
        match chr(byte):
            case "(":
                return self.group(depth)
            case "[":
                return Chars(self.bracket())
            case ".":
                return Chars(ANY)
            case "^":
                return Anchor(end=False)
            case "$":
                return Anchor(end=True)
            case "\\":
                return self.escape()
            case _:
                return Chars(1 << byte)

    def group(self, depth: int) -> Node:
        look = False
        if self.peek(b"?"):
            look = self.group_head()
        inner = self.choice(depth + 1)
        if not self.peek(b")"):
            raise ExpressionError("missing )")
        self.at += 1
        return Look(inner) if look else inner

    def group_head(self) -> bool:
        """Skip `?:`, `?P<name>` and the like; whether it is a look-around."""
        for look in (b"?=", b"?!", b"?<=", b"?<!"):
            if self.peek(look):
                self.at += len(look)
                return True
        if self.peek(b"?:"):
            self.at += 2
            return False
        if self.peek(b"?P<") or self.peek(b"?<"):
            end = self.pattern.find(b">", self.at)
            if end > 0:
                self.at = end + 1
                return False
        raise ExpressionError("a kind of group that is not supported")

    def escape(self) -> Node:
        byte = self.take()
        if byte in _CLASSES:
            return Chars(_CLASSES[byte])
        if byte in b"bB":
            return Look(Sequence(()))
        if byte in b"A":
            return Anchor(end=False)
        if byte in b"zZ":
            return Anchor(end=True)
        return Chars(1 << self.escaped_byte(byte))

    def escaped_byte(self, byte: int) -> int:
        if byte in _CONTROLS:
            return _CONTROLS[byte]
        if byte == ord("x"):
            digits = self.pattern[self.at : self.at + 2]
            self.at += 2
            try:
                return int(digits, 16)
            except ValueError:
                raise ExpressionError("\\x needs two hexadecimal digits") from None
        if _WORD >> byte & 1 and byte != ord("_"):
            raise ExpressionError(f"\\{chr(byte)} is not supported")
        return byte

    def bracket(self) -> int:
        negated = self.peek(b"^")
        self.at += negated
        mask, first = 0, True
        while first or not self.peek(b"]"):
            first = False
            mask |= self.bracket_item()
        self.at += 1
        return ANY & ~mask if negated else mask

    def bracket_item(self) -> int:
        if self.peek(b"[:"):
            end = self.pattern.find(b":]", self.at)
            name = self.pattern[self.at + 2 : end]
            if end < 0 or name not in _POSIX:
                raise ExpressionError("unknown character class")
            self.at = end + 2
            return _POSIX[name]
        low = self.bracket_byte()
        if isinstance(low, Chars):
            return low.mask
        if self.peek(b"-") and not self.peek(b"-]"):
            self.at += 1
            high = self.bracket_byte()
            if isinstance(high, Chars) or high < low:
                raise ExpressionError("bad range in a character class")
            return (1 << high + 1) - (1 << low)
        return 1 << low

    def bracket_byte(self) -> int | Chars:
        byte = self.take()
        if byte != ord("\\"):
            return byte
        byte = self.take()
        if byte in _CLASSES:
            return Chars(_CLASSES[byte])
        return 8 if byte == ord("b") else self.escaped_byte(byte)

    def quantified(self, item: Node) -> Node:
        bounds = self.quantifier()
        if bounds is None:
            return item
        low, high = bounds
        if self.peek(b"+"):
            raise ExpressionError("possessive quantifiers are not supported")
        self.at += self.peek(b"?")  # lazy
        if self.quantifier() is not None:
            raise ExpressionError("two quantifiers in a row")
        return Repeat(item, low, high)

    def quantifier(self) -> tuple[int, int | None] | None:
        for sign, bounds in ((b"*", (0, None)), (b"+", (1, None)), (b"?", (0, 1))):
            if self.peek(sign):
                self.at += 1
                return bounds
        if not self.peek(b"{"):
            return None
        end = self.pattern.find(b"}", self.at)
        low, comma, high = self.pattern[self.at + 1 : max(end, self.at + 1)].partition(b",")
        if end < 0 or not _number(low) or (high and not _number(high)):
            return None  # a literal brace, as PCRE and Python have it
        self.at = end + 1
        first = int(low)
        last = first if not comma else int(high) if high else None
        if first > MAX_REPEAT or (last is not None and not first <= last <= MAX_REPEAT):
            raise ExpressionError(f"repetition beyond {MAX_REPEAT} or reversed")
        return first, last


def cost_order(node: Node) -> int | None:
    """How a backtracking matcher's time grows with the length n of the text.

    Args:
        node: a parsed pattern.

    Returns:
        k when a search is bounded by n to the power k + 1 (one for each repeat, one for the start); None when
        it may be exponential, because something that can match in several ways is itself repeated.
    """
    match node:
        case Chars() | Anchor():
            return 0
        case Look(item=item):
            return cost_order(item)
        case Sequence(items=items) | Choice(items=items):
            orders = [cost_order(item) for item in items]
            known = [order for order in orders if order is not None]
            return sum(known) if len(known) == len(orders) else None
        case Repeat(item=item, high=high):
            if high == 1:
                return cost_order(item)
            return None if _ambiguous(item) else 1


def _ambiguous(node: Node) -> bool:
    match node:
        case Chars() | Anchor():
            return False
        case Sequence(items=items):
            return any(_ambiguous(item) for item in items)
        case Look(item=item):
            return _ambiguous(item)
        case Choice():
            return True
        case Repeat(item=item, low=low, high=high):
            return low != high or _ambiguous(item)


def _number(text: bytes) -> bool:
    return text.isdigit() and len(text) < 6
