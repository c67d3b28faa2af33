"""What can go wrong with jobs."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_USAGE, GuestwrightError


class JobError(GuestwrightError):
    """Base of the errors about jobs."""

    code = "job"
    template = "{problem}"


class NoSuchJob(JobError):
    """There is no job of this id; perhaps its result was collected."""

    code = "job-not-found"
    http_status = HTTPStatus.NOT_FOUND
    template = "there is no job {job}"
    hint = "a job goes when its result is collected"


class NoSuchKind(JobError):
    """This service knows no such work."""

    code = "job-kind-unknown"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "there is no kind of job called {kind}; known: {known}"


class BadJob(JobError):
    """An id or parameters that no job can have."""

    code = "job-bad"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "job {job}: {problem}"


class JobExists(JobError):
    """The id is taken by another job."""

    code = "job-exists"
    http_status = HTTPStatus.CONFLICT
    template = "there is a job {job} already, and it does something else"
    hint = "take another id; to submit one job twice, with the same parameters, is no error"


class TooManyJobs(JobError):
    """Results are kept until they are collected, and nobody collects them."""

    code = "job-too-many"
    http_status = HTTPStatus.TOO_MANY_REQUESTS
    template = "there are {count} jobs already"
    hint = "collect the results of those that have ended"


class JobNotEnded(JobError):
    """The result is not there yet."""

    code = "job-not-ended"
    http_status = HTTPStatus.CONFLICT
    template = "job {job} is {status}"
    hint = "wait for its end, or cancel it"


class JobNotActive(JobError):
    """It has ended: there is nothing to cancel."""

    code = "job-not-active"
    http_status = HTTPStatus.CONFLICT
    template = "job {job} is {status}"


class CancelRefused(JobError):
    """The job is past the point from which it only goes forward."""

    code = "job-cancel-refused"
    http_status = HTTPStatus.CONFLICT
    template = "job {job} cannot be cancelled: {problem}"
    hint = "wait for its end"


class Cancelled(JobError):
    """The work was given up because somebody asked for that."""

    code = "job-cancelled"
    http_status = HTTPStatus.CONFLICT
    template = "job {job} was cancelled"


class Interrupted(JobError):
    """The service ended in the middle of work that is not begun a second time."""

    code = "job-interrupted"
    template = "the service ended while job {job} ({kind}) was running; it is not run again"
    hint = "look at what it has done, then submit it anew if that is right"


class ServiceEnding(JobError):
    """The work stops here because the service does; it goes on when the service is there again."""

    code = "job-service-ending"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = "the service ends; job {job} goes on when it is there again"


class Fenced(JobError):
    """Another owner has taken over: what this one still wants to write is refused."""

    code = "job-fenced"
    http_status = HTTPStatus.CONFLICT
    template = "{what} belongs to another owner now; the write was refused"


class OrderTooLate(JobError):
    """Another worker has the job that this was ordered for, or it undoes already what it did."""

    code = "job-order-too-late"
    http_status = HTTPStatus.CONFLICT
    template = "job {job} orders nothing more in its epoch {epoch} (epoch {seen} was seen)"


class OrderWaits(JobError):
    """What was ordered before for the same job has not come to its end yet."""

    code = "job-order-waits"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = "job {before}, which {job} ordered before, has to end first"
    hint = "send it again in a moment"


class JobCrashed(JobError):
    """A mistake of this program, in one job; the others go on."""

    code = "job-crashed"
    template = "job {job} failed on a mistake of this program: {detail}"
    hint = "the service's log has more; please report it"


class JobsUnusable(JobError):
    """The database of jobs cannot be read or written."""

    code = "job-store-unusable"
    http_status = HTTPStatus.INSUFFICIENT_STORAGE
    template = "the jobs in {path} cannot be kept: {detail}"
    hint = "look for a full or damaged file system; jobs that were accepted are in that file"
