"""A real guest moves between two libvirts with its payload, and the agent goes on; and one that stays."""

from __future__ import annotations

import hashlib
import subprocess

import pytest

from tests.machine.host import two_hosts as site
from tests.machine.host.two_hosts import NAME, Host, until
from tests.support.libvirtd import NEEDS
from tests.support.namespaces import needs_namespaces
from tests.support.program import COMMAND, environment, running
from tests.support.tools import needs

pytestmark = [
    pytest.mark.machine,
    pytest.mark.timeout(900),
    NEEDS,
    needs_namespaces,
    needs("mmdebstrap", "mke2fs", "debugfs", "virsh", "sfdisk"),
]
# Every look reads the device anew: what the kernel has of the medium is dropped before.
_READ = (
    "blockdev --flushbufs /dev/sr0; mount -t iso9660 -o ro /dev/sr0 /mnt && cat /mnt/token.txt && umount /mnt"
)


def test_a_guest_moves_with_its_payload_and_its_agent() -> None:
    with site.two_hosts() as (here, there, domain):
        site.put_payload(here, domain)
        assert here.ask("power", NAME, "start").status == 0
        until(here.live)
        assert here.sh(_READ) == site.CANARY
        begun = here.sh("cat /tmp/begun; echo moved > /tmp/mark")
        image = here.images()
        assert len(image) == 1
        data = f"unix://{here.daemon.directory}/run/data"
        how = (there.daemon.uri, "--data", data, "--unsafe", "--to-socket", there.socket)

        _called_off(here, there, domain, how)
        assert here.sh(_READ) == site.CANARY
        assert here.images() == image

        done = here.ask("migrate", NAME, *how)
        assert done.status == 0, (done, here.log.read_text()[-2000:], there.log.read_text()[-2000:])
        until(there.live)
        assert there.sh("cat /tmp/begun") == begun
        assert there.sh("cat /tmp/mark") == "moved\n"
        assert there.sh(_READ) == site.CANARY
        (payload,) = there.payloads(domain)
        assert payload["inside"]
        assert there.images() == image
        until(lambda: here.domain() is None)
        until(lambda: here.images() == {})
        for log in (here.log, there.log):
            assert site.CANARY not in log.read_text()
        dump = ["virsh", "-c", there.daemon.uri, "dumpxml", domain, "--security-info"]
        assert site.CANARY not in subprocess.run(dump, check=True, capture_output=True, text=True).stdout
        assert hashlib.sha256(site.CANARY.encode()).hexdigest() not in str(there.payloads(domain))


def _called_off(here: Host, there: Host, domain: str, how: tuple[str, ...]) -> None:
    """A move that is slow enough to be called off in the middle."""
    argv = [*COMMAND, "host", "migrate", NAME, *how, "--bandwidth", "1", "--socket", here.socket]
    job = ["virsh", "-c", here.daemon.uri, "domjobinfo", domain]
    with running(argv, env=environment(), stderr=subprocess.PIPE) as process:
        until(lambda: b"Memory processed" in subprocess.run(job, check=False, capture_output=True).stdout)
        assert len(there.images()) == 1
        done = here.ask("migrate", NAME, "--cancel")
        assert (done.status, done.out) == (0, f"{NAME} runs on where it is\n"), done
        assert process.wait(60) == 1
    until(lambda: there.domain() is None)
    until(lambda: there.images() == {})
