"""Many threads with the same few names: each verb is done or refused, and nothing is ever seen half-made."""

from __future__ import annotations

import random
import threading
from collections import Counter
from pathlib import Path

import pytest

from guestwright.base.errors import GuestwrightError
from guestwright.host.jobs.alone import Alone
from guestwright.host.volumes import upload
from guestwright.host.volumes.clean import listing
from guestwright.host.volumes.copy import Copy, copy
from guestwright.host.volumes.create import Create, create
from guestwright.host.volumes.delete import delete
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.download import Download
from guestwright.host.volumes.metadata import Format, Kind, State
from guestwright.host.volumes.rules import Update
from guestwright.host.volumes.update import update

pytestmark = pytest.mark.system

SIZE = 64 << 10
THREADS, STEPS, NAMES = 4, 200, 5


class Worker(threading.Thread):
    """Does anything by chance. Each volume's content is one byte, repeated."""

    def __init__(self, path: Path, number: int) -> None:
        super().__init__()
        self.domain = Domain(str(path))
        self.number = number
        self.choice = random.Random(number)
        self.outcomes: Counter[str] = Counter()
        self.mistakes: list[Exception] = []

    def run(self) -> None:
        with self.domain:
            for step in range(STEPS):
                try:
                    self.step(f"{self.number}-{step}")
                    self.outcomes["done"] += 1
                except GuestwrightError as error:
                    self.outcomes[error.code] += 1
                except (AssertionError, OSError, ValueError) as error:
                    self.mistakes.append(error)

    def step(self, job: str) -> None:
        domain, work = self.domain, Alone(job)
        one, other = (f"v{self.choice.randrange(NAMES)}" for _ in range(2))
        match self.choice.randrange(7):
            case 0:
                create(domain, Create(volume=one, format=Format.RAW, size=SIZE), work, now=1.0)
            case 1 | 2:
                wanted = Copy(source=one, volume=other, kind=self.choice.choice(list(Kind)))
                copy(domain, domain, wanted, work, now=1.0, clone=False)
            case 3:
                delete(domain, one)
            case 4:
                update(domain, one, domain.read(one).generation, Update(description=job))
            case 5:
                self.upload(one, job)
            case _:
                with Download(domain, one) as found:
                    data = found.read(0, SIZE)
                assert len(data) == SIZE
                assert data == data[:1] * SIZE, "half-made"

    def upload(self, volume: str, ticket: str) -> None:
        wanted = upload.Begin(volume=volume, format=Format.RAW, size=SIZE, file_size=SIZE)
        upload.begin(self.domain, wanted, ticket, now=1.0)
        with upload.Writer(self.domain, volume, ticket) as writer:
            writer.write(0, bytes([self.number + 1]) * SIZE)
        if self.choice.random() < 0.5:
            upload.finish(self.domain, volume, ticket, Alone(ticket))
        else:
            upload.abandon(self.domain, volume, ticket)


def test_together(tmp_path: Path) -> None:
    path = tmp_path / "domain"
    with Domain(str(path), make=True) as domain:
        workers = [Worker(path, number) for number in range(THREADS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(240)
        assert [one for worker in workers for one in worker.mistakes] == []
        outcomes = sum((worker.outcomes for worker in workers), Counter())
        assert outcomes["done"] > STEPS // 4
        assert outcomes.keys() <= {
            "done",
            "volume-not-found",
            "volume-exists",
            "volume-held",
            "volume-generation-mismatch",
            "disk-image-in-use",
        }
        assert listing(domain) == []
        for volume in domain.volumes():
            assert volume.state is State.LEGAL
            data = Path(domain.data_path(volume)).read_bytes()
            assert data == data[:1] * SIZE
