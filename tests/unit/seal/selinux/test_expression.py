"""The pattern parser and the automaton, judged by Python's own matcher."""

from __future__ import annotations

import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.seal.selinux.automaton import Automaton
from guestwright.seal.selinux.expression import ExpressionError, cost_order, parse_expression

_ATOMS = st.sampled_from(
    [b"a", b"b", b"/", b".", b"\\.", b"[ab]", b"[^/]", b"\\d", b"\\w", b"[a-c0-9_]", b"[]a]", b"[[:alpha:]]"]
)


def _compound(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    quantifier = st.sampled_from([b"*", b"+", b"?", b"{2}", b"{1,3}", b"{1,}", b"*?"])
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(b"".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda some: b"(" + b"|".join(some) + b")"),
        st.tuples(inner, quantifier).map(lambda pair: b"(?:" + pair[0] + b")" + pair[1]),
    )


_PATTERNS = st.recursive(_ATOMS, _compound, max_leaves=6)


def _python(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern.replace(b"[[:alpha:]]", b"[a-zA-Z]"), re.DOTALL)


@given(_PATTERNS, st.lists(st.sampled_from(b"ab/.0]Z\n"), max_size=8).map(bytes))
def test_matches_what_python_matches(pattern: bytes, text: bytes) -> None:
    wanted = _python(pattern).fullmatch(text) is not None
    assert Automaton(parse_expression(pattern)).matches(text) is wanted


@given(st.binary(max_size=40))
def test_any_bytes_parse_or_are_refused(pattern: bytes) -> None:
    with suppress(ExpressionError):
        Automaton(parse_expression(pattern)).matches(b"/etc/passwd")


@pytest.mark.parametrize(
    "pattern",
    [b"(", b")", b"a)", b"[", b"[b-a]", b"*a", b"a**", b"a++", b"(?>a)", b"(?i)a", b"\\1", b"\\xg0", b"\\",
     b"[[:nope:]]", b"a{300}", b"a{3,2}", b"(" * 50 + b")" * 50, b"a" * 5000],
)  # fmt: skip
def test_refused(pattern: bytes) -> None:
    with pytest.raises(ExpressionError):
        parse_expression(pattern)


@pytest.mark.parametrize(
    "pattern",
    [b"((a{200}){200}){200}", b"((((){255}){255}){255}){255}", b"(?=a)b", b"a^", b"\\ba"],
    ids=["states", "empty", "look", "anchor", "boundary"],
)
def test_beyond_the_automaton(pattern: bytes) -> None:
    with pytest.raises(ExpressionError):
        Automaton(parse_expression(pattern))


@pytest.mark.parametrize(
    "pattern", [b"(a+)+b", b"(a|a)*b", b"(a|aa)+$?"[:-2], b"(.*)*(.*)*(.*)*x", b"(a?){60}a{60}"]
)
def test_catastrophic_patterns_are_quick(pattern: bytes) -> None:
    begin = time.perf_counter()
    Automaton(parse_expression(pattern)).matches(b"a" * 4000)
    assert time.perf_counter() - begin < 5


@pytest.mark.parametrize(
    ("pattern", "order"),
    [
        (b"abc", 0),
        (b"^a.*b$", 1),
        (b"a.*b[^/]+", 2),
        (b"(foo|bar)?x", 0),
        (b"(?!#)x+", 1),
        (b"(ab){3}", 1),
        (b"(a+)+", None),
        (b"(a|b)*", None),
        (b"(a?){30}", None),
        (b"((ab*)c)*", None),
        (b"x(?=(a+)+)", None),
    ],
)
def test_cost(pattern: bytes, order: int | None) -> None:
    assert cost_order(parse_expression(pattern)) == order
