"""The same sequences to our store and to Xen's: same replies, same events, but for a list of differences."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.real_xenstored import XENSTORED, Mint, minted
from tests.support.tools import needs
from tests.system.xenstore.differential.compare import Differ, Duel, Tally, difference, reduced
from tests.system.xenstore.differential.differences import DIFFERENCES
from tests.system.xenstore.differential.generate import sequence
from tests.system.xenstore.differential.scripts import SCRIPTS
from tests.system.xenstore.differential.steps import Steps, show

pytestmark = [pytest.mark.system, needs("gcc", XENSTORED)]

PAGE = Path(__file__).parents[4] / "docs" / "xenstore.md"
PIECES, IN_A_PIECE = 20, 1000
# The same sequences each time, unless others are asked for: by a number, which failures show, or `random`.
ASKED = os.environ.get("SEQUENCES_FROM", "0")
FIRST = int.from_bytes(os.urandom(3), "big") * PIECES * IN_A_PIECE if ASKED == "random" else int(ASKED)


@pytest.fixture(scope="module")
def mint() -> Iterator[Mint]:
    with minted() as one:
        yield one


def judge(mint: Mint, steps: Steps, tally: Tally, name: object) -> None:
    found = difference(mint, steps, tally)
    if found is not None:
        short, reason = reduced(mint, steps, found)
        pytest.fail(f"sequence {name!r}: {found}\nin short: {reason}\n{show(short)}", pytrace=False)


@pytest.mark.parametrize("piece", range(PIECES))
def test_generated_sequences(mint: Mint, piece: int) -> None:
    tally = Tally()
    start = FIRST + piece * IN_A_PIECE
    for number in range(start, start + IN_A_PIECE):
        judge(mint, sequence(number), tally, number)
    # What the sequences consist of: if the generator came to make nothing but mistakes, nobody would notice.
    good = sum(count for (_, outcome), count in tally.replies.items() if outcome == "ok")
    assert tally.sequences == IN_A_PIECE
    assert good > tally.steps / 3
    assert tally.events > 5 * IN_A_PIECE
    assert tally.replies["TRANSACTION_END", "EAGAIN"] > IN_A_PIECE / 20
    assert len(tally.replies) > 60
    assert tally.unsteady < IN_A_PIECE / 100


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts(mint: Mint, name: str) -> None:
    judge(mint, SCRIPTS[name], Tally(), name)


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_listed_difference_is_there(mint: Mint, name: str) -> None:
    steps = DIFFERENCES[name].shown
    with pytest.raises(Differ):
        Duel(mint, Tally(), lenient=False).run(steps)
    tally = Tally()
    judge(mint, steps, tally, name)
    assert set(tally.excused) == {name}


def test_the_page_lists_these_differences() -> None:
    text = PAGE.read_text()
    section = text[text.index("## Deliberate differences") :]
    section = section[: section.index("\n## ", 1)]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)) == set(DIFFERENCES)
