"""A host's service over a fake hypervisor whose definitions outlive it, as those of libvirt do.

    python -m tests.support.kept_fake HOST.TOML FILE

It is what `guestwright host serve --config HOST.TOML` is, but for the hypervisor: that one keeps what is
defined in FILE. Runs of domains end with the process, as they do when a host loses its power.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from types import TracebackType

from guestwright.host.process.daemon import serve
from guestwright.host.service.configuration import load
from guestwright.host.service.logs import set_up
from guestwright.hypervisor.domain import Domain
from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
from guestwright.hypervisor.drivers.fake.world import Entry, World


class KeptFake(FakeHypervisor):
    """The fake, whose definitions are in a file whenever a call has returned.

    Args:
        path: of the file.
    """

    def __init__(self, path: str) -> None:
        super().__init__("fake:///kept")
        if os.path.exists(path):
            with open(path, "rb") as file:
                kept = pickle.load(file)  # of an earlier self
            self._world.entries = {one.uuid: Entry(definition=one) for one in kept}
        self._world.lock = _KeepingLock(self._world, path)  # type: ignore[assignment]  # it is used as one


class _KeepingLock:
    """A lock which, when it is let go, keeps what changed while it was held."""

    def __init__(self, world: World, path: str) -> None:
        self._lock = threading.RLock()
        self._world = world
        self._path = path
        self._depth = 0
        self._kept = self._defined()

    def __enter__(self) -> bool:
        self._lock.acquire()
        self._depth += 1
        return True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        try:
            if self._depth == 0 and not self._world.closed and (now := self._defined()) != self._kept:
                self._keep(now)
        finally:
            self._lock.release()

    def _defined(self) -> list[Domain]:
        return [one.definition for one in self._world.entries.values() if one.definition is not None]

    def _keep(self, now: list[Domain]) -> None:
        with open(f"{self._path}.new", "wb") as file:
            pickle.dump(now, file)
        os.replace(f"{self._path}.new", self._path)
        self._kept = now


def _main(settings: str, path: str) -> None:
    configuration = load(settings)
    set_up(configuration.log_level, configuration.log_format)
    serve(configuration, lambda _: KeptFake(path), lambda _: print("ready", flush=True))


if __name__ == "__main__":
    _main(*sys.argv[1:])
