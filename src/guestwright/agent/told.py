"""What the host tells the guest about its devices: the MAC addresses that it knows them by."""

from __future__ import annotations

from guestwright.agent.channel.errors import StoreError
from guestwright.agent.core.layout import TOLD
from guestwright.agent.tasks import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from guestwright.agent.channel.session import Session

_DEVICES_MAX: Final = 64
_NAME_MAX: Final = 8


class Told:
    """Reads it again after each change.

    Args:
        session: the store.
        changed: called when something is different.
    """

    def __init__(self, session: Session, changed: Callable[[], object]) -> None:
        self._session = session
        self._changed = changed
        self._values: dict[str, str] = {}
        self._busy: set[str] = set()
        self._again: set[str] = set()
        for directory in TOLD:
            session.watch(directory.encode(), self._watcher(directory))

    def values(self) -> dict[str, str]:
        """Relative path to value."""
        return self._values

    def _watcher(self, directory: str) -> Callable[[bytes], object]:
        def heard(path: bytes) -> None:
            # The states of devices change there too, many times; only what was listed before matters.
            rest = path[len(directory) + 1 :]
            if rest.count(b"/") and not rest.endswith(b"/mac"):
                return
            if directory in self._busy:
                self._again.add(directory)
            else:
                self._busy.add(directory)
                Task(self._read(directory), lambda _error: self._read_ended(directory))

        return heard

    def _read_ended(self, directory: str) -> None:
        self._busy.discard(directory)
        if directory in self._again:
            self._again.discard(directory)
            self._watcher(directory)(directory.encode())

    async def _read(self, directory: str) -> None:
        found: dict[str, str] = {}
        for name in (await self._session.children(directory.encode()))[:_DEVICES_MAX]:
            if not name.isdigit() or len(name) > _NAME_MAX:
                continue
            path = directory.encode() + b"/" + name + b"/mac"
            try:
                value: bytes = await self._session.read(path)
            except StoreError as error:
                if error.errno == "LOST":
                    raise
                continue
            found[path.decode()] = value.decode("ascii", "replace")
        others = {path: value for path, value in self._values.items() if not path.startswith(directory + "/")}
        values = {**others, **found}
        if values != self._values:
            self._values = values
            self._changed()
