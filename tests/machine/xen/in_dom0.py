"""What is asked of the host service by its API; runs in dom0. Prints what came of it as JSON.

python3 in_dom0.py UUID STEP
"""

from __future__ import annotations

import glob
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from guestwright.host.client.address import UnixAddress
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import HostRefused
from guestwright.xenstore.client.client import Client

PATIENCE: Final = 300.0  # seconds; some on an idle machine
MIB: Final = 1 << 20
_TOKEN: Final = "Q0FOQVJZLXhlbi1wYXlsb2Fk"
_TAKE: Final = """
cd /sys/devices/system/xen_memory/xen_memory0
echo 262144 >target_kb; sleep 3; cat info/current_kb
"""
Json = dict[str, Any]


class Dom0:
    """The service's client, in dom0.

    Args:
        uuid: of the domain.
    """

    def __init__(self, uuid: str) -> None:
        self.uuid = uuid
        self.home = f"/v1/domains/{uuid}"
        self.api = HostClient(UnixAddress(path="/run/guestwright/api.sock"))

    def domain(self) -> Json:
        """The domain as the service knows it."""
        return dict(self.api.get(self.home))

    def wait(self, what: str, condition: Callable[[], Any]) -> Any:
        """Wait until something is true; what it was."""
        end = time.monotonic() + PATIENCE
        while not (found := condition()):
            if time.monotonic() > end:
                raise TimeoutError(f"{what} did not come; the domain: {json.dumps(self.domain())[:2000]}")
            time.sleep(0.3)
        return found

    def live(self) -> bool:
        """Whether the agent is."""
        agent = self.domain()["agent"]
        return agent is not None and agent["state"] == "live"

    # -- steps

    def start(self) -> Json:
        """Begin a run with a payload for it."""
        body = {"form": "files", "files": {"token.txt": _TOKEN}, "label": "PAYLOAD"}
        before = self.domain()
        self.api.ask("PUT", f"{self.home}/payloads/run-once", body)
        after = self.api.power(self.uuid, "start")
        return {
            "adopted": before,
            "started": after,
            "payloads": self.api.get(f"{self.home}/payloads")["payloads"],
            "about": self.api.about(),
        }

    def act(self) -> Json:
        """Facts, memory, a command, a new name."""
        self.wait("the agent", self.live)
        self.wait("the balloon's first report", lambda: "memory-target" in self._allowed())
        found: Json = {"guest": self.api.guest(self.uuid), "allowed": self._allowed()}
        self.api.ask("PUT", f"{self.home}/memory", {"target": 200 * MIB})
        self.wait("the balloon", lambda: self._refreshed() == 200 * MIB)
        domid = self.domain()["domid"]
        with Client() as store:
            found["target"] = store.read_text(f"/local/domain/{domid}/memory/target")
        found["taken"] = self._exec(_TAKE)
        self.api.ask("PUT", f"{self.home}/hostname", {"name": "renamed"})
        renamed = lambda: self.api.guest(self.uuid)["facts"]["host"]["value"]["name"] == "renamed"  # type: ignore[index]  # noqa: E731
        found["renamed"] = self.wait("the new name", renamed)
        return found

    def again(self) -> Json:
        """What is known after the service was killed and started; nothing has happened in the guest."""
        self.wait("the agent", self.live)
        return {
            "domain": self.domain(),
            "guest": self.api.guest(self.uuid),
            "payloads": self.api.get(f"{self.home}/payloads")["payloads"],
        }

    def lost(self) -> Json:
        """What is known while libvirt's daemon is away and the domain was destroyed."""
        lost = lambda: (self.domain()["agent"] or {}).get("state") != "live"  # noqa: E731
        self.wait("the loss of the agent", lost)
        return {"domain": self.domain(), "about": self.api.about()}

    def found(self) -> Json:
        """What is known when it is back."""
        self.wait("the end of the domain", lambda: self.domain()["power"] == "halted")
        self.wait("the hypervisor", lambda: self.api.about()["hypervisor_lost"] is None)
        return {"domain": self.domain(), "left": _left()}

    def reboot(self) -> Json:
        """Have the kernel reboot."""
        before = self.domain()["domid"]
        begin = time.monotonic()
        self.api.power(self.uuid, "reboot")
        seconds = time.monotonic() - begin
        after = self.wait("another life", lambda: self._another(before))
        return {"before": before, "after": after, "seconds": seconds}

    def sysprep(self) -> Json:
        """Generalise the guest, and wait until it is down."""
        now = self.sysprep_job()
        self.wait("the end of the domain", lambda: self.domain()["power"] == "halted")
        return {"job": now, "left": _left()}

    def sysprep_job(self) -> Json:
        """Generalise the guest; the job as it ended."""
        self.wait("the agent", self.live)
        body = {"answers": "name=web42\nsecret=CANARY-xen\n", "filename": "answers.txt", "deadline": PATIENCE}
        job = self.api.post(f"{self.home}/sysprep", body)
        while (now := self.api.job(job["id"]))["status"] in ("pending", "running"):
            time.sleep(0.2)
        return dict(now)

    def shutdown(self) -> Json:
        """Have the kernel power off; nothing of ours runs in the guest."""
        before = self.domain()
        begin = time.monotonic()
        self.api.power(self.uuid, "shutdown")
        seconds = time.monotonic() - begin
        self.wait("the end of the domain", lambda: self.domain()["power"] == "halted")
        return {"before": before, "seconds": seconds}

    def _another(self, domid: int) -> int | None:
        now = self.domain()["domid"]
        return now if now not in (None, domid) else None

    def _refreshed(self) -> int:
        told = subprocess.run(["xl", "list", "-l", self._name()], capture_output=True, text=True, check=True)
        memory: int = json.loads(told.stdout)[0]["config"]["b_info"]["target_memkb"]
        return memory << 10

    def _name(self) -> str:
        name: str = self.domain()["domain"]["name"]
        return name

    def _allowed(self) -> list[str]:
        return [one["operation"] for one in self.api.capabilities(self.uuid) if one["allowed"]]

    def _exec(self, script: str) -> Json:
        return dict(self.api.post(f"{self.home}/exec", {"argv": ["/bin/sh", "-c", script]}))


def _left() -> Json:
    """Media of a run that is over."""
    loops = subprocess.run(["losetup", "-a"], capture_output=True, text=True, check=True).stdout
    files = [one for name in ("sysprep", "payloads") for one in glob.glob(f"/run/guestwright/{name}/*")]
    return {"files": [os.path.basename(one) for one in files], "loops": loops}


def main() -> int:
    """Command line; see the module's docstring."""
    here = Dom0(sys.argv[1])
    try:
        print(json.dumps(getattr(here, sys.argv[2])()))
    except (HostRefused, TimeoutError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
