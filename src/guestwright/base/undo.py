"""An undo stack: half-done work is undone in reverse, without nested try blocks."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self


class UndoStack:
    """Collects how to take back what was done; runs it in reverse unless `success()` was called.

    Use as a context manager:

        with UndoStack() as undo:
            make_directory(path)
            undo.add(lambda: remove_directory(path))
            ...
            undo.success()

    Every undo step runs even when an earlier one failed; the failures are attached as notes to the error
    that started the unwinding, or raised as an ExceptionGroup when there was none.
    """

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []

    def add(self, step: Callable[[], object]) -> None:
        """Remember how to undo what was just done."""
        self._steps.append(step)

    def success(self) -> None:
        """The whole change is complete: forget all steps."""
        self._steps.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failures: list[Exception] = []
        while self._steps:
            try:
                self._steps.pop()()
            except Exception as failure:  # noqa: BLE001 - each step must get its chance; all are reported below
                failures.append(failure)
        if not failures:
            return
        if error is None:
            raise ExceptionGroup("undo failed", failures)
        for left in failures:
            error.add_note(f"undo also failed: {left!r}")
