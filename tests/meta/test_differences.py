"""docs/differences.md tells operators every difference that the comparison with virt-sysprep means."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import meant
from tests.support.trees import Meant

PAGE = Path(__file__).parents[2] / "docs" / "differences.md"


@pytest.mark.parametrize("row", meant.ALL, ids=lambda row: row.pattern)
def test_the_page_has_the_path_and_its_reason_on_one_line(row: Meant) -> None:
    lines = PAGE.read_text("utf-8").splitlines()
    assert [one for one in lines if f"`{row.pattern}`" in one and one.endswith(f"| {row.reason} |")]


def test_the_page_has_no_path_that_the_comparison_does_not_know() -> None:
    section = PAGE.read_text("utf-8").partition("## Side by side")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    told = [path.strip(" `,") for cell in rows for path in cell.split("`, `")]
    assert told
    assert set(told) == {row.pattern for row in meant.ALL}
