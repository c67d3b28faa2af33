"""PostgreSQL of its own for tests: Debian's package in a private directory, as an ordinary user, no TCP.

    @pytest.fixture(scope="module")
    def cluster() -> Iterator[Cluster]:
        with postgres() as one:
            yield one

    def test_it(cluster: Cluster) -> None:
        url = cluster.database()          # a new, empty database: postgresql+psycopg://…

A cluster takes about two seconds to make, a database a tenth of one.
"""

from __future__ import annotations

import glob
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

_PATIENCE = 120.0  # seconds that a start or an end may take on a busy machine
_BINARIES = sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)  # Debian keeps them off PATH
_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "off",  # processes are killed here, machines are not
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "16MB",
    "autovacuum": "off",
    "log_min_messages": "fatal",
}

needs_postgres = pytest.mark.skipif(
    not _BINARIES and "CI" not in os.environ, reason="not installed: postgresql"
)
"""Skips where the package is missing; never on CI."""


@dataclass(slots=True, kw_only=True)
class Cluster:
    """A running server, which tests may stop, kill and start again."""

    directory: str
    options: dict[str, str] = field(default_factory=dict)
    _server: subprocess.Popen[bytes] | None = None
    _made: list[str] = field(default_factory=list)

    def database(self) -> str:
        """Make a new, empty database; its URL for SQLAlchemy with psycopg 3."""
        name = f"test_{len(self._made)}"
        self.sql(f"CREATE DATABASE {name}")
        self._made.append(name)
        return f"postgresql+psycopg://guestwright@/{name}?host={self.directory}"

    def sql(self, statement: str, *, database: str = "postgres") -> str:
        """What `psql` answers to a statement: rows by line, columns by `|`."""
        command = [_tool("psql"), "-XAtq", "-h", self.directory, "-U", "guestwright"]
        done = subprocess.run(
            [*command, "-d", database, "-v", "ON_ERROR_STOP=1", "-c", statement],
            check=True,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
        )
        return done.stdout.strip()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = [f"--{name}={value}" for name, value in {**_OPTIONS, **self.options}.items()]
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self._server = subprocess.Popen(
                _as_ordinary(
                    [_tool("postgres"), "-D", self._data, "-k", self.directory, *options], death="QUIT"
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
            )
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > deadline:
                with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as text:
                    raise AssertionError(f"PostgreSQL does not start: {text.read()}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End the server, without a word to its clients: SIGQUIT as a crash is, SIGINT orderly."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(_PATIENCE)
            self._server = None

    @property
    def _data(self) -> str:
        return os.path.join(self.directory, "data")

    def _answers(self) -> bool:
        ready = [_tool("pg_isready"), "-q", "-h", self.directory]
        return subprocess.run(ready, check=False, timeout=_PATIENCE).returncode == 0


@contextmanager
def postgres(**options: str) -> Iterator[Cluster]:
    """A new server while the block lasts.

    Args:
        options: settings in place of those that are good for tests.
    """
    directory = tempfile.mkdtemp(prefix="gw-pg-")  # short: the path of a socket has 107 bytes at most
    cluster = Cluster(directory=directory, options=options)
    try:
        if os.geteuid() == 0:
            shutil.chown(directory, "postgres", "postgres")
        subprocess.run(
            _as_ordinary(
                [
                    *(_tool("initdb"), "-D", os.path.join(directory, "data"), "-U", "guestwright"),
                    *("--auth=trust", "--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C"),
                ],
                death="KILL",
            ),
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=directory,
            timeout=_PATIENCE,
        )
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(directory)


def _tool(name: str) -> str:
    if not _BINARIES:
        raise AssertionError("not installed: postgresql")
    return os.path.join(_BINARIES[0], name)


def _as_ordinary(argv: Sequence[str], *, death: str) -> list[str]:
    """The command as user `postgres` when we are root, which the server refuses; it dies with us."""
    user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *user, f"--pdeathsig={death}", *argv]
