"""The difference between what a domain has and what its balloon driver counts.

A domain has pages that its driver does not know of (video memory, what firmware and drivers took at boot).
The difference is taken once, when the target is known to be met, and stays for the domain's life. squeezed
takes it when `control/feature-balloon` appears, whether or not the balloon has settled; a guest whose agent
reports `data/balloon/settled` is waited for here.
"""

from __future__ import annotations

from typing import Final

from guestwright.base.record import record

STEADY: Final = 2.0  # seconds for which the memory of a guest that reports nothing must stand still


@record
class Sample:
    """What is seen of a domain that may just have booted.

    Attributes:
        pages: memory of the domain, KiB.
        target: of its balloon, KiB.
        ballooning: whether `control/feature-balloon` is there.
        settled: what the agent says; None when it reports nothing.
        steady: for how many seconds `pages` has not changed.
    """

    pages: int
    target: int
    ballooning: bool
    settled: bool | None = None
    steady: float = 0.0


def offset(sample: Sample) -> int | None:
    """The difference, KiB; None while it is too early to tell."""
    if not sample.ballooning:
        return None
    ready = sample.steady >= STEADY if sample.settled is None else sample.settled
    return sample.pages - sample.target if ready else None
