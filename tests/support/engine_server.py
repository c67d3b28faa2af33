"""The engine's API listening for real, in a thread; and its commands, run in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from guestwright.base.errors import GuestwrightError
from guestwright.base.secret import Secret
from guestwright.cli.main import cli
from guestwright.client.address import server
from guestwright.client.logins import Login, Logins
from guestwright.engine.inventory.choices import Role
from tests.support.engine_api import ApiStand, listening, standing


@dataclass(frozen=True)
class Ran:
    """How a command ended: its exit status, what it wrote, and the error that it raised."""

    status: int
    out: str
    err: str
    error: BaseException | None

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


@dataclass
class Engine:
    """A running engine.

    Attributes:
        url: of it.
        stand: what is behind it.
        config: directory of the user's configuration.
        token: of an administrator who may do everything, called ann.
    """

    url: str
    stand: ApiStand
    config: Path
    token: str = ""

    def run(self, *args: str, input: str | bytes | None = None) -> Ran:  # noqa: A002 - as click calls it
        """Run a command, as a user who has logged in."""
        done = CliRunner().invoke(
            cli,
            list(args),
            input=input,
            standalone_mode=False,
            env={"XDG_CONFIG_HOME": str(self.config), "GUESTWRIGHT_SERVER": None},
        )
        error = done.exception
        if error is not None and not isinstance(error, (GuestwrightError, SystemExit)):
            if type(error).__module__.startswith("click"):
                return Ran(2, done.stdout, done.stderr, error)
            raise error
        status = done.return_value if isinstance(done.return_value, int) else 0
        status = error.exit_status if isinstance(error, GuestwrightError) else status
        return Ran(status, done.stdout, done.stderr, error)

    def ok(self, *args: str, input: str | bytes | None = None) -> Any:  # noqa: A002
        """The JSON of a command that must succeed."""
        done = self.run(*args, "--json", input=input)
        assert done.error is None, (done.error, done.err)
        assert done.status == 0, (done.out, done.err)
        return done.json

    def login(self, token: str) -> None:
        """Keep a token as `guestwright login` does."""
        login = Login(server=server(self.url), token=Secret(token), name="ann")
        Logins(str(self.config / "guestwright" / "engines")).keep(login)


@contextmanager
def serving(directory: Path) -> Iterator[Engine]:
    """An engine with a worker for its jobs, and an administrator `ann`, logged in, while the block lasts."""
    with standing(directory) as stand, listening(stand) as url:
        stand.worker.start()
        engine = Engine(url.removesuffix("/api/v1"), stand, directory / "config")
        ann = stand.user("ann", Role.ADMIN, payload_contents=True, guest_exec=True)
        engine.token = stand.token(ann)
        engine.login(engine.token)
        yield engine
