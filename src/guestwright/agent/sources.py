"""The collectors of the platform that the agent runs on."""

from __future__ import annotations

import sys

from guestwright.agent.core.facts import Facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from guestwright.agent.hearing import Changed
    from guestwright.agent.loop import Loop

    class Sources(Protocol):
        """What each platform has."""

        def start(self, loop: Loop, changed: Changed) -> None:
            """Begin to collect, and call `changed` when facts may have changed."""

        def snapshot(self) -> Facts:
            """What is known now."""

        def close(self) -> None:
            """Let go of everything."""


class NoSources:
    """Knows nothing: what there is where no platform's own collectors are."""

    def start(self, loop: Loop, changed: Callable[[], object]) -> None:
        """Begin."""

    def snapshot(self) -> Facts:
        """Nothing."""
        return Facts()

    def close(self) -> None:
        """End."""


def sources(root: str, period: float = 60.0) -> Sources:
    """The collectors of this platform.

    Args:
        root: of the guest's file system.
        period: seconds between two looks at what nothing tells of; 0: none. For Linux.
    """
    # Each platform's modules need memory, so only those that are used are loaded.
    platform: str = sys.platform
    if platform.startswith("linux"):
        from guestwright.agent.linux.sources import LinuxSources  # noqa: PLC0415 - see above

        return LinuxSources(root, period)
    if platform.startswith("freebsd"):
        from guestwright.agent.freebsd.sources import FreeBSDSources  # noqa: PLC0415 - see above

        return FreeBSDSources(root)
    return NoSources()
