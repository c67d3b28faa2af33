"""What a call and its work know of each other."""

from __future__ import annotations


class NotAllowed(Exception):
    """The owner of the guest does not allow it; the text says what."""


class Stage:
    """Where work gives its output: a call."""

    def produce(self, tag: bytes, data: bytes) -> bool:
        """Queue output; whether to go on at once. If not, `Work.go_on` follows."""
        raise NotImplementedError

    def flush(self) -> None:
        """Input can be taken again."""
        raise NotImplementedError

    def finish(self, how: str) -> None:
        """The work has ended; later calls count for nothing."""
        raise NotImplementedError


class Work:
    """Something that takes a stream and gives one.

    Attributes:
        ready: whether it can take more input.
    """

    ready = True

    def input(self, data: bytes) -> None:
        """Take input."""

    def input_end(self) -> None:
        """There is no more input."""

    def go_on(self, *, full: bool) -> None:
        """Produce more, unless enough waits."""

    def kill(self) -> None:
        """End it at once."""
