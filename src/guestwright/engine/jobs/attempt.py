"""One attempt at a job: between the saga, which says what is next, and the book, which says whose the job is.

Theory of operation: before each step the attempt writes to the book, which refuses when somebody else has
the job by now; that makes an attempt that was only slow end itself. A step that fails is believed only while
the job is still ours: a host refuses what comes from an older epoch, and that is no failure of the job.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from guestwright.base.errors import GuestwrightError
from guestwright.base.printable import printable
from guestwright.engine.jobs.book import Book
from guestwright.engine.jobs.errors import (
    DurableJobStopped,
    DurableJobTaken,
    DurableStepCrashed,
    EngineEnding,
    JobBookUnreachable,
    NotYet,
    TryAgain,
)
from guestwright.engine.jobs.model import NOTE_MAX, Context, Job, Kind, Status, Step, encode
from guestwright.engine.jobs.saga import Keep, Outcome, again, done, failed, run_saga
from guestwright.engine.jobs.talk import StepTalk

_LOG: Final = logging.getLogger(__name__)
_PAUSE: Final = 0.1
_PAUSE_MAX: Final = 5.0
_NOT_OURS: Final = (DurableJobTaken, EngineEnding, JobBookUnreachable)
Reached = Callable[[str], object]
"""Told the name of each place at which a kill is worth a test: "do:copy before", "do:copy ran", …"""


class Attempt:
    """The `saga.Doing` of one job that was taken up.

    Args:
        book: of the job.
        job: as it was taken up.
        kind: its steps.
        reached: see `Reached`.
    """

    def __init__(self, book: Book, job: Job, kind: Kind, reached: Reached) -> None:
        self.job = job
        self._book = book
        self._kind = kind
        self._reached = reached
        self._cancelled = job.cancelling
        self._taken = self._ending = False
        self._woken = threading.Event()

    def run(self, keep: Keep) -> None:
        """Run the job from where it is to its end, or to where somebody else has to go on."""

        def kept(name: str, body: Callable[[], Outcome], /) -> Outcome:
            outcome = keep(name, body)
            self._reached(f"{name} kept")
            return outcome

        try:
            ended = run_saga(self._kind, self.job.parameters, kept, self)
        except _NOT_OURS as error:
            ended = False
            _LOG.info("job %s: %s", self.job.id, error.message)
        if not ended and self._ending:
            self._release(0, "the engine ends")

    def cancel(self) -> None:
        """Somebody cancelled the job."""
        self._cancelled = True
        self._woken.set()

    def fence(self) -> None:
        """Somebody else has the job."""
        self._taken = True
        self._woken.set()

    def stop(self) -> None:
        """The engine ends."""
        self._ending = True
        self._woken.set()

    def forward(self, step: Step, number: int, total: int, results: Mapping[str, Any], /) -> Outcome:
        """See `saga.Doing`."""
        name = f"do:{step.name}"
        self._reached(f"{name} before")
        talk = StepTalk(self._book, self.job, name, results, self.check)
        try:
            kept = self._note(Status.RUNNING, step.name, number, total)
            self._cancelled = self._cancelled or kept.cancelling
            self.check()
            value = self._patiently(step.run, talk, self._kind.patience, self.check)
            encode(self._kind.name, value)
        except _NOT_OURS:
            return again()
        except NotYet as error:
            self._release(float(error.params["seconds"]), error.message)
            return again()
        except GuestwrightError as error:
            return self._failed(step, error)
        except Exception as error:  # noqa: BLE001 - the boundary of a step: what it meets ends the job, not us
            return self._failed(step, self._crashed(step.name, error))
        self._reached(f"{name} ran")
        return done(value)

    def backward(self, step: Step, number: int, total: int, results: Mapping[str, Any], /) -> Outcome:
        """See `saga.Doing`."""
        name = f"undo:{step.name}"
        self._reached(f"{name} before")
        talk = StepTalk(self._book, self.job, name, results, self._check_ours)
        try:
            self._note(Status.COMPENSATING, step.name, number, total)
            if step.undo is not None:
                self._patiently(step.undo, talk, self._kind.undo_patience, self._check_ours)
        except _NOT_OURS:
            return again()
        except NotYet as error:
            self._release(float(error.params["seconds"]), error.message)
            return again()
        except GuestwrightError as error:
            talk.leave(f"step {step.name}", error.message)
        except Exception as error:  # noqa: BLE001 - as in `forward`
            talk.leave(f"step {step.name}", self._crashed(step.name, error).message)
        self._reached(f"{name} ran")
        return done(talk.left) if self._ours() else again()

    def end(
        self,
        result: Any,
        error: Mapping[str, Any] | None,
        leftovers: Sequence[Mapping[str, Any]],
        /,
    ) -> None:
        """See `saga.Doing`."""
        self._reached("end before")
        self._book.end(self.job, result=result, error=error, leftovers=leftovers)
        self._reached("end kept")

    def check(self) -> None:
        """See `model.Context`."""
        self._check_ours()
        if self._cancelled:
            raise DurableJobStopped(job=self.job.id)

    def _check_ours(self) -> None:
        if self._taken:
            raise DurableJobTaken(job=self.job.id, epoch=self.job.epoch)
        if self._ending:
            raise EngineEnding(job=self.job.id)

    def _patiently(
        self, body: Callable[[Context], Any], talk: StepTalk, patience: float, check: Callable[[], None]
    ) -> Any:
        """Run a step, again while it says `TryAgain` and there is time."""
        deadline = time.monotonic() + patience
        pause = _PAUSE
        while True:
            try:
                return body(talk)
            except TryAgain as error:
                check()
                if time.monotonic() + pause > deadline:
                    raise
                talk.progress(0, 0, printable(error.message)[:NOTE_MAX])
            self._woken.wait(pause)
            self._woken.clear()
            check()
            pause = min(2 * pause, _PAUSE_MAX)

    def _failed(self, step: Step, error: GuestwrightError) -> Outcome:
        """What is believed of a failure: nothing, when the job is somebody else's."""
        self._reached(f"do:{step.name} failed")
        return failed({**error.as_dict(), "step": step.name}) if self._ours() else again()

    def _ours(self) -> bool:
        try:
            self._check_ours()
            present = self._book.get(self.job.id)
        except (*_NOT_OURS, GuestwrightError):
            return False
        return present.epoch == self.job.epoch

    def _note(self, status: Status, step: str, number: int, total: int) -> Job:
        return self._book.note(self.job, status=status, step=step, done=number, total=total, note="")

    def _release(self, seconds: float, why: str) -> None:
        with suppress(JobBookUnreachable):  # then the lease ends by itself
            self._book.release(self.job, seconds=seconds, why=printable(why)[:NOTE_MAX])

    def _crashed(self, step: str, error: Exception) -> DurableStepCrashed:
        _LOG.error("job %s: step %s broke off", self.job.id, step, exc_info=error)
        return DurableStepCrashed(job=self.job.id, step=step, kind=type(error).__name__)
