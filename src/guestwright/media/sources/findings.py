"""Collects what a check finds in one file: problems that stop a build, warnings that do not."""

from __future__ import annotations

from typing import Final

from guestwright.media.sources.errors import BadPayload, Finding

MAX_FINDINGS: Final = 200  # of one kind in one file; more help nobody


class Findings:
    """All that is found in one file.

    Args:
        file: the name for messages.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[tuple[Finding, type[BadPayload]]] = []
        self.warnings: list[Finding] = []

    def problem(self, at: tuple[int, int], text: str, kind: type[BadPayload] = BadPayload) -> None:
        """Note a problem at (line, column)."""
        if len(self.problems) < MAX_FINDINGS:
            self.problems.append((Finding(file=self.file, line=at[0], column=at[1], problem=text), kind))

    def warn(self, at: tuple[int, int], text: str) -> None:
        """Note a warning at (line, column)."""
        if len(self.warnings) < MAX_FINDINGS:
            self.warnings.append(Finding(file=self.file, line=at[0], column=at[1], problem=text))

    def full(self, *, warnings: bool = False) -> bool:
        """Whether more problems, or warnings, would be dropped: then they need no looking into."""
        return len(self.warnings if warnings else self.problems) >= MAX_FINDINGS

    def places(self) -> list[tuple[int, int]]:
        """Where the problems are."""
        return [(one.line, one.column) for one, _ in self.problems]

    def finish(self) -> tuple[Finding, ...]:
        """The warnings.

        Raises:
            BadPayload: there are problems; it is about the first one and has all of them in `also`.
        """
        if not self.problems:
            return tuple(self.warnings[:MAX_FINDINGS])
        ordered = sorted(self.problems, key=lambda one: (one[0].line, one[0].column))[:MAX_FINDINGS]
        first, kind = ordered[0]
        error = kind(file=first.file, line=first.line, column=first.column, problem=first.problem)
        error.also = tuple(one for one, _ in ordered)
        raise error


def refuse(
    file: str, problem: str, at: tuple[int, int] = (1, 1), kind: type[BadPayload] = BadPayload
) -> BadPayload:
    """An error about one place, for `raise`."""
    return kind(file=file, line=at[0], column=at[1], problem=problem)


def all_problems(error: BadPayload) -> tuple[Finding, ...]:
    """Every problem that was found together with the one `error` is about."""
    mine = error.params
    one = Finding(file=mine["file"], line=mine["line"], column=mine["column"], problem=mine["problem"])
    return error.also or (one,)
