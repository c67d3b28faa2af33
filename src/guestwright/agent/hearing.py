"""How collectors tell of changes: a type, of which nothing is there when the agent runs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Changed(Protocol):
        """What hears of changes."""

        def __call__(self, *, urgent: bool = False) -> object:
            """Facts may have changed; those of the network have, if it is urgent."""
