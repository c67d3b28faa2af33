"""The host service over a fake hypervisor, as a process: `python -m tests.support.host_program DIR GUESTS`.

The domains run all the time, as a hypervisor's do; somebody else listens at their ports (`emulator`).
"""

from __future__ import annotations

import sys
from pathlib import Path

from guestwright.host.process.daemon import serve
from guestwright.host.service.configuration import Configuration
from guestwright.host.service.logs import set_up
from guestwright.host.service.service import Service
from guestwright.hypervisor.domain import Channel
from guestwright.hypervisor.drivers.fake.guest import FakeGuest
from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
from tests.support.host_daemon import machine, uuid_of


def _nothing(guest: FakeGuest, channel: Channel) -> None:
    del guest, channel


def main() -> None:
    directory, guests = Path(sys.argv[1]), int(sys.argv[2])
    setattr(FakeGuest, "plug", _nothing)  # noqa: B010 - in place of listening itself
    hypervisor = FakeHypervisor("fake:///")
    for number in range(1, guests + 1):
        hypervisor.adopt(machine(number, directory))
        hypervisor.start(uuid_of(number))

    def started(service: Service) -> None:
        print(f"ready {len(service.domains())}", flush=True)

    set_up("info", "json")
    configuration = Configuration(state=str(directory / "lib"), runtime=str(directory / "run"))
    serve(configuration, lambda _: hypervisor, started)


if __name__ == "__main__":
    main()
