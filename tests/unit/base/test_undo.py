from __future__ import annotations

import pytest

from guestwright.base.undo import UndoStack


def test_undoes_in_reverse_on_error() -> None:
    seen: list[int] = []
    with pytest.raises(KeyError), UndoStack() as undo:
        undo.add(lambda: seen.append(1))
        undo.add(lambda: seen.append(2))
        raise KeyError
    assert seen == [2, 1]


def test_success_keeps_everything() -> None:
    seen: list[int] = []
    with UndoStack() as undo:
        undo.add(lambda: seen.append(1))
        undo.success()
    assert seen == []


def test_without_success_it_is_undone() -> None:
    seen: list[int] = []
    with UndoStack() as undo:
        undo.add(lambda: seen.append(1))
    assert seen == [1]


def broken() -> None:
    raise OSError("no")


def test_failing_step_does_not_stop_the_others() -> None:
    seen: list[int] = []
    with pytest.raises(KeyError) as caught, UndoStack() as undo:
        undo.add(lambda: seen.append(1))
        undo.add(broken)
        raise KeyError
    assert seen == [1]
    assert any("OSError" in note for note in caught.value.__notes__)


def test_failing_step_without_error_is_raised() -> None:
    with pytest.raises(ExceptionGroup), UndoStack() as undo:
        undo.add(broken)
