"""How long work tells where it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol

from guestwright.base.record import record


@record
class Step:
    """One thing that happened.

    Attributes:
        name: short stable name of the step, kebab-case ("open", "plan", "check", "commit").
        done: units finished; `total` units in all (0 when unknown).
        total: see `done`.
        text: one line for a person.
    """

    name: str
    done: int
    total: int
    text: str


class Progress(Protocol):
    """Receives steps. Must be quick and must not raise."""

    def __call__(self, step: Step, /) -> None:
        """Take note of `step`."""


def silent(step: Step, /) -> None:
    """Progress that nobody watches."""
    del step
