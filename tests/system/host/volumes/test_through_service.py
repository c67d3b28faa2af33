"""The whole service with a storage domain: a disk comes in by HTTP, is sealed across a kill -9, goes out."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestwright.disk.failpoints import VARIABLE
from guestwright.host.client.address import UnixAddress
from guestwright.host.client.client import HostClient
from tests.support.disks import complaint
from tests.support.images import small_original
from tests.support.program import environment, running
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("qemu-img", "mke2fs", "e2fsck", "debugfs")]

PATIENCE = 120.0
_SERVICE = """
import sys
from guestwright.host.process.daemon import serve
from guestwright.host.service.configuration import Configuration
from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
place = sys.argv[1]
sections = {"volumes": {"main": place + "/domain"}}
configuration = Configuration(state=place + "/lib", runtime=place + "/run", sections=sections)
serve(configuration, lambda _: FakeHypervisor("fake:///"), lambda _: print("ready", flush=True))
"""


@contextmanager
def service(place: Path, failpoint: str = "") -> Iterator[tuple[subprocess.Popen[str], HostClient]]:
    """The process, ready, and a client of its API."""
    env = environment({VARIABLE: f"{failpoint}:kill"} if failpoint else None)
    argv = [sys.executable, "-c", _SERVICE, str(place)]
    with running(argv, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with HostClient(UnixAddress(path=str(place / "run/api.sock")), PATIENCE) as client:
            yield process, client
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
        process.stdout.close()


def upload(client: HostClient, data: bytes) -> None:
    size = len(data)
    wanted = {"volume": "root", "ticket": "t", "format": "raw", "size": size, "file_size": size}
    client.post("/v1/storage/main/uploads", {**wanted, "sha256": hashlib.sha256(data).hexdigest()})
    half = size // 2
    for start, end in ((half, size), (0, half)):
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Range": f"bytes {start}-{end - 1}/{size}",
        }
        path = "/v1/storage/main/volumes/root/content?ticket=t"
        client.open("PUT", path, data[start:end], headers).read()
    finish = {"domain": "main", "volume": "root", "ticket": "t"}
    client.submit_job("volume.upload-finish", finish, "finish")
    assert client.job("finish", 50)["status"] == "done"


def test_sealed_across_a_kill(arena: Path) -> None:
    original = Path(small_original().path).read_bytes()
    with service(arena, "volume-seal-ran") as (process, client):
        upload(client, original)
        client.submit_job("volume.seal", {"domain": "main", "volumes": ["root"]}, "seal")
        assert process.wait(PATIENCE) == -signal.SIGKILL
    with service(arena) as (process, client):
        done = client.job("seal", 50)
        assert (done["status"], done["attempt"]) == ("done", 2)
        (volume,) = client.get("/v1/storage/main/volumes")["volumes"]
        assert (volume["state"], volume["kind"], volume["sealed"]) == ("legal", "shared", "seal")
        sealed = client.open("GET", "/v1/storage/main/volumes/root/content").read()
        assert client.collect_job("seal")["result"]["totals"]["files_removed"] > 0
    assert process.returncode == 0
    assert len(sealed) == len(original)
    assert sealed != original
    copy = arena / "copy.img"
    copy.write_bytes(sealed)
    assert complaint(copy) == ""
    looked = ["debugfs", "-R", "stat /etc/ssh/ssh_host_ed25519_key", str(copy)]
    assert b"Inode:" not in subprocess.run(looked, check=True, capture_output=True).stdout
