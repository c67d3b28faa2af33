"""Services of hosts over the fake hypervisor with one storage domain, and the engine's way to them."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from guestwright.base.errors import UsageError
from guestwright.disk.failpoints import VARIABLE
from guestwright.engine.hosts.port import ClientHosts
from guestwright.engine.payloads.payloads import Contents, Version
from guestwright.host.client.address import Address, UnixAddress
from guestwright.host.client.client import HostClient
from guestwright.host.jobs.alone import Alone
from guestwright.host.volumes.create import Create, create
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.metadata import Format, Metadata, State
from guestwright.host.volumes.rules import Standing
from tests.support.program import environment, running

PATIENCE = 120.0
HOST = "00000000-0000-7000-8000-00000000a001"
STORAGE = "fast"
SECRET = b"the-secret-of-a-payload"
_SERVICE = """
import sys
from guestwright.host.process.daemon import serve
from guestwright.host.service.configuration import Configuration
from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
place, storage = sys.argv[1:]
configuration = Configuration(
    state=place + "/lib",
    runtime=place + "/run",
    channel_directory=place + "/ports",
    sections={"volumes": {storage: place + "/volumes"}},
)
serve(configuration, lambda _: FakeHypervisor("fake:///"), lambda _: print("ready", flush=True))
"""


@contextmanager
def short_directory() -> Iterator[Path]:
    """In memory, with a path that is short enough for sockets."""
    path = Path(tempfile.mkdtemp(prefix="gwe-", dir="/dev/shm"))
    (path / "volumes").mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def settings(place: Path) -> Mapping[str, Any]:
    """Of a service in this process; see `host_daemon.served`."""
    return {"sections": {"volumes": {STORAGE: str(place / "volumes")}}}


@contextmanager
def process(place: Path, failpoint: str = "") -> Iterator[subprocess.Popen[str]]:
    """A service as a process, ready; ended by SIGTERM unless it has ended.

    Args:
        place: of its files.
        failpoint: where it is killed; "" for nowhere.
    """
    variables = environment({VARIABLE: f"{failpoint}:kill"} if failpoint else None)
    argv = [sys.executable, "-c", _SERVICE, str(place), STORAGE]
    log = place / "service.log"
    with (
        log.open("ab") as errors,
        running(argv, env=variables, stdout=subprocess.PIPE, stderr=errors, text=True) as one,
    ):
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n", log.read_text()
        yield one
        if one.poll() is None:
            one.send_signal(signal.SIGTERM)
        one.wait(PATIENCE)
        one.stdout.close()


def address(place: Path) -> UnixAddress:
    """Of a service."""
    return UnixAddress(path=str(place / "run/api.sock"))


@contextmanager
def hosts_at(places: Mapping[str, Path], payloads: Mapping[str, Contents]) -> Iterator[ClientHosts]:
    """The port to services, by ids of hosts."""

    def found(host: str) -> Address:
        if host not in places:
            raise UsageError(problem=f"there is no host {host}")
        return address(places[host])

    hosts = ClientHosts(found, payloads.__getitem__, seconds=PATIENCE)
    try:
        yield hosts
    finally:
        hosts.close()


def files_payload(payload: str, form: str = "files", **files: bytes) -> Contents:
    """A payload object's contents."""
    found = files or {"answers.txt": SECRET}
    version = Version(
        payload=payload,
        number=1,
        created=1.0,
        author="ann",
        form=form,
        label="ANSWERS" if form == "files" else "cidata",
        files={name: len(data) for name, data in found.items()},
        key="k",
    )
    return Contents(version=version, files=found)


def put_volume(place: Path, volume: str, image: Path) -> None:
    """A raw volume with the content of a file: a leaf, legal."""
    with Domain(str(place / "volumes")) as domain:
        size = image.stat().st_size
        made = create(domain, Create(volume=volume, format=Format.RAW, size=size), Alone(volume), now=1.0)
        shutil.copyfile(image, domain.data_path(made))


def volumes(place: Path) -> dict[str, Metadata]:
    """What lies in the storage domain now, whether or not a service runs."""
    with Domain(str(place / "volumes")) as domain:
        return {one.id: one for one in domain.volumes()}


def standing(volume: Metadata | None) -> str:
    """How a volume stands, as `host_port.Standing` has it; "locked", and "" where there is none."""
    if volume is None:
        return ""
    if volume.state is State.LEGAL:
        return str(Standing.SHARED if volume.kind == "shared" else Standing.LEGAL)
    return str(volume.state)


def client(place: Path) -> HostClient:
    """Of a service, for a look at it; the caller closes it."""
    return HostClient(address(place), PATIENCE)
