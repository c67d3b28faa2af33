"""What can go wrong with the engine's durable jobs."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_PENDING, EXIT_USAGE, GuestwrightError


class DurableJobError(GuestwrightError):
    """Base of what the engine's jobs raise."""

    code = "durable-job"
    template = "job {job}: {problem}"


class NoSuchDurableJob(DurableJobError):
    """There is no job of that id."""

    code = "durable-job-not-found"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.NOT_FOUND
    template = "the engine has no job {job}"
    hint = "`guestwright job list` shows those that there are."


class BadDurableJob(DurableJobError):
    """What was asked for makes no job."""

    code = "durable-job-bad"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "no job of kind {kind} can be made of this: {problem}"


class NoSuchDurableKind(DurableJobError):
    """No such work is known."""

    code = "durable-job-kind-unknown"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "the engine knows no work called {kind}"


class JobKeyReused(DurableJobError):
    """An idempotency key came again with another request."""

    code = "durable-job-key-reused"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.CONFLICT
    template = "the key {key} belongs to job {job}, which was another request"
    hint = "Take a new key for a new request; the same one only to send the same request again."


class DurableJobEnded(DurableJobError):
    """It is over, so that it cannot be cancelled."""

    code = "durable-job-ended"
    http_status = HTTPStatus.CONFLICT
    template = "job {job} is {status}: there is nothing left to cancel"


class DurableJobStopped(DurableJobError):
    """Somebody cancelled it."""

    code = "durable-job-cancelled"
    template = "job {job} was cancelled"


class DurableJobTaken(DurableJobError):
    """Another engine has the job: nothing may be touched for it any more."""

    code = "durable-job-taken"
    http_status = HTTPStatus.CONFLICT
    template = "job {job} is not ours any more (epoch {epoch})"


class EngineEnding(DurableJobError):
    """The engine ends; another one, or this one later, goes on with the job."""

    code = "durable-job-engine-ending"
    exit_status = EXIT_PENDING
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = "the engine ends; job {job} goes on later"


class JobBookUnreachable(DurableJobError):
    """The database of the jobs does not answer."""

    code = "durable-job-database"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = "the jobs' database does not answer: {problem}"
    hint = "What runs goes on once it answers again; nothing is lost."


class DurableStepCrashed(DurableJobError):
    """A step met what nobody had thought of."""

    code = "durable-job-step-crashed"
    template = "step {step} of job {job} broke off ({kind})"
    hint = "The engine's log has the whole story under the id of the job."


class TryAgain(DurableJobError):
    """A step cannot go on now, but may in a moment: the other side did not answer.

    Raised by steps; it is done again, with growing pauses, until the kind's patience is at its end.
    """

    code = "durable-job-try-again"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = "not now: {problem}"


class NotYet(DurableJobError):
    """A step waits for something that takes long; the job gives up its place until then.

    Raised by steps, with `seconds` until it is worth another look.
    """

    code = "durable-job-not-yet"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = "waits: {problem} ({seconds} s)"
