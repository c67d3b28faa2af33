"""When the offset of a domain's memory is taken."""

from __future__ import annotations

import pytest

from guestwright.host.balloon.calibration import Sample, offset


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        (Sample(pages=1100, target=1000, ballooning=False), None),
        (Sample(pages=1100, target=1000, ballooning=True), None),
        (Sample(pages=1100, target=1000, ballooning=True, steady=2.0), 100),
        (Sample(pages=1100, target=1000, ballooning=True, settled=False, steady=99.0), None),
        (Sample(pages=990, target=1000, ballooning=True, settled=True), -10),
    ],
    ids=["no balloon", "just booted", "has stood still", "says it moves", "says it has settled"],
)
def test_offset(sample: Sample, expected: int | None) -> None:
    assert offset(sample) == expected
