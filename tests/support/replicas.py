"""Two engines on one PostgreSQL and two services of hosts, each a process on a machine of its own.

    with replicas(place) as stand:
        stand.engines[0].client.do(vms.create(…))
        stand.engines[0].kill()
        stand.engines[0].start()

Engines are `guestwright up --no-host`; hosts have the fake hypervisor, real disks and real sealing
(`kept_fake`). All speak TLS over the network of `namespaces`, with certificates of `host enrol`.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from guestwright.client.address import server
from guestwright.client.calls import hosts as host_calls
from guestwright.client.client import Client
from guestwright.client.kinds import VMS
from guestwright.host.volumes.domain import Domain
from tests.support import real_hosts
from tests.support.images import small_original
from tests.support.namespaces import ADDRESS, SUBNET, Network, Node, network
from tests.support.postgres import Cluster, postgres
from tests.support.program import COMMAND, environment, guestwright

PATIENCE: Final = 240.0
LEASE: Final = 3
SOURCES: Final = 2  # machines of each host that templates are made from


class Service:
    """A process that is ready when it has written a line; it is killed, and started again.

    Args:
        name: of it, for logs.
        node: where it runs.
        place: of its files.
        command: that it is.
    """

    def __init__(self, name: str, node: Node, place: Path, command: list[str]) -> None:
        self.name = name
        self.node = node
        self.place = place
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; `ready` waits until it works."""
        assert self._process is None
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.node.argv(self._command),
                env=environment({"XDG_CONFIG_HOME": str(self.place), "PYTHONFAULTHANDLER": "1"}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )

    def ready(self) -> None:
        """Wait until it works."""
        assert self._process is not None
        assert self._process.stdout is not None
        text, end = b"", time.monotonic() + PATIENCE
        while not text.endswith(b"\n"):
            left = end - time.monotonic()
            assert left > 0, f"{self.name} is not ready: {self._tail()}"
            assert select.select([self._process.stdout], [], [], left)[0], f"{self.name}: {self._tail()}"
            part = os.read(self._process.stdout.fileno(), 65536)
            assert part, f"{self.name} has ended: {self._tail()}"
            text += part

    def kill(self) -> None:
        """SIGKILL, and wait."""
        process, self._process = self._process, None
        if process is not None:
            assert process.poll() is None, f"{self.name} has ended by itself: {self._tail()}"
            process.kill()
            process.communicate(timeout=PATIENCE)

    def end(self) -> None:
        """See that it is gone; if it has ended by itself, say how."""
        process, self._process = self._process, None
        if process is not None:
            if process.poll() is not None:
                print(f"{self.name} has ended with {process.returncode}: {self._tail()}")
            process.kill()
            process.communicate(timeout=PATIENCE)

    @property
    def log(self) -> Path:
        """What it writes."""
        return self.place / "log"

    def _tail(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]


class Engine(Service):
    """A replica.

    Attributes:
        url: of its interface.
        token: of its administrator, as soon as it has run once.
        client: likewise.
    """

    def __init__(self, name: str, node: Node, place: Path, database: str) -> None:
        settings = place / "engine.toml"
        settings.write_text(f"[jobs]\nlease = {LEASE}\n[log]\nlevel = 'warning'\n")
        command = [*COMMAND, "up", "--json", "--no-host", "--config", str(settings), "--database", database]
        command += ["--directory", str(place / "engine"), "--listen", f"{node.address}:8420"]
        super().__init__(name, node, place, command)
        self.url = f"https://{node.address}:8420"
        self.token = ""
        self.client: Client

    def log_in(self) -> None:
        """Take the token that it has made for its owner."""
        directory = self.place / "engine"
        engine = server(self.url, ca=str(directory / "pki" / "authority.pem"))
        self.token = (directory / "admin.token").read_text().strip()
        self.client = Client(engine, self.token)


class HostService(Service):
    """The service of a host.

    Attributes:
        id: that the engine has given the host.
    """

    def __init__(self, name: str, node: Node, place: Path) -> None:
        settings, pki = place / "host.toml", place / "pki"
        settings.write_text(
            f"[log]\nlevel = 'warning'\n"
            f"[directories]\nstate = '{place}/lib'\nruntime = '{place}/run'\n"
            f"[channels]\ndirectory = '{place}/ports'\n"
            f"[api]\ntls = '{node.address}:8443'\n[enrol]\ndirectory = '{pki}'\n"
            f"[volumes]\n{real_hosts.STORAGE} = '{place}/volumes'\n"
        )
        command = [sys.executable, "-m", "tests.support.kept_fake", str(settings), str(place / "domains")]
        super().__init__(name, node, place, command)
        self.id = ""
        for args in (("init",), ("server", node.address), ("client", "engine", "--role", "operator")):
            more = ["--out", str(place / "identity")] if args[0] == "client" else []
            done = guestwright("host", "enrol", *args, *more, "--directory", str(pki))
            assert done.status == 0, done.err

    def sources(self) -> list[str]:
        """Make machines, each with a disk that can be sealed; their names."""
        names = []
        Domain(str(self.place / "volumes"), make=True).close()
        for number in range(SOURCES):
            name = f"{self.name}-source-{number}"
            names.append(name)
            real_hosts.put_volume(self.place, name, Path(small_original().path))
        return names

    def define(self, name: str) -> str:
        """Have the hypervisor know a machine with a volume of the same name; its id."""
        disk = {"domain": real_hosts.STORAGE, "volume": name, "target": "vda"}
        wanted = {"uuid": str(uuid.uuid4()), "name": name, "vcpus": 1, "memory": 1 << 28, "disks": [disk]}
        with real_hosts.client(self.place) as client:
            job = client.submit_job("domain.define", wanted)
            while job["ended"] == 0:
                job = client.job(job["id"], 5)
            assert job["status"] == "done", job
        return str(wanted["uuid"])


class Stand:
    """All of it, running.

    Attributes:
        cluster: PostgreSQL, whose database is called `test_0`.
        engines: both.
        hosts: both.
    """

    def __init__(self, cluster: Cluster, engines: list[Engine], hosts: list[HostService]) -> None:
        self.cluster = cluster
        self.engines = engines
        self.hosts = hosts

    @property
    def services(self) -> list[Service]:
        """All four."""
        return [*self.engines, *self.hosts]

    def rows(self, query: str) -> list[list[str]]:
        """What the database of both engines answers."""
        answer = self.cluster.sql(query, database="test_0")
        return [line.split("|") for line in answer.splitlines()]

    def begin(self) -> None:
        """Start everything for the first time."""
        first, second = self.engines
        names = {host.name: host.sources() for host in self.hosts}
        for host in self.hosts:
            host.start()
        first.start()
        first.ready()  # makes the administrator, and the keys that all need
        (second.place / "engine").mkdir(mode=0o711)
        shutil.copy(first.place / "engine" / "payload-keys", second.place / "engine" / "payload-keys")
        second.start()
        for one in (*self.hosts, second):
            one.ready()
        for engine in self.engines:
            engine.log_in()
        for host in self.hosts:
            call = host_calls.add(host.name, f"{host.node.address}:8443")
            host.id = first.client.do(call)["id"]
            for engine in self.engines:
                shutil.copytree(host.place / "identity", engine.place / "engine" / "identities" / host.id)
            for name in names[host.name]:
                host.define(name)
        self._adopted({name for some in names.values() for name in some})

    def _adopted(self, names: set[str]) -> None:
        client = self.engines[1].client
        until(lambda: {one["name"] for one in client.all(VMS.all(filters=("power=off",)))} == names)


def until(what: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end
        time.sleep(0.2)


@contextmanager
def replicas(place: Path) -> Iterator[Stand]:
    """The stand, until the end of the block.

    Args:
        place: for its files; a short path, in memory.
    """
    with ExitStack() as parts:
        net = parts.enter_context(network())
        cluster = parts.enter_context(postgres(listen_addresses=ADDRESS))
        stand = Stand(cluster, *_made(place, net, _database(cluster)))
        for one in stand.services:
            parts.callback(one.end)
        stand.begin()
        yield stand
        for engine in stand.engines:
            engine.client.close()


def _made(place: Path, net: Network, database: str) -> tuple[list[Engine], list[HostService]]:
    engines, hosts = [], []
    for number in range(2):
        home = place / f"e{number}"
        home.mkdir()
        engines.append(Engine(f"engine{number}", net.node(f"10.77.0.{11 + number}"), home, database))
        home = place / f"h{number}"
        (home / "volumes").mkdir(parents=True)
        hosts.append(HostService(f"host{number}", net.node(f"10.77.0.{21 + number}"), home))
    return engines, hosts


def _database(cluster: Cluster) -> str:
    """A database, for everybody on the network."""
    cluster.database()
    with Path(cluster.directory, "data", "pg_hba.conf").open("a", encoding="utf-8") as rules:
        rules.write(f"host all all {SUBNET} trust\n")
    cluster.sql("SELECT pg_reload_conf()")
    return f"postgresql+psycopg://guestwright@{ADDRESS}/test_0"
