"""Jobs, and the log of who did what."""

from __future__ import annotations

from guestwright.client.call import Call, Json, Page, page, thing


def all_jobs(*, status: str = "", group: str = "", limit: int = 0) -> Call[Page]:
    """Jobs, oldest first.

    Args:
        status: only those.
        group: id of the job that submitted them; "" for all.
        limit: jobs of a page; 0 for the engine's own.
    """
    return Call(
        "GET",
        ("jobs",),
        page,
        query={"status": status or None, "group": group or None, "limit": limit or None},
    )


def show(identity: str, wait: int = 0) -> Call[Json]:
    """A job; with `wait`, when it has ended or after that many seconds (at most 50)."""
    return Call("GET", ("jobs", identity), thing, query={"wait": wait or None}, seconds=60.0 + wait)


def cancel(identity: str) -> Call[Json]:
    """Have a job given up; what it has begun is undone."""
    return Call("POST", ("jobs", identity, "cancel"), thing)


def audit(*, actor: str = "", subject: str = "", limit: int = 0) -> Call[Page]:
    """Lines of the audit log, newest first.

    Args:
        actor: name of a user; "" for all.
        subject: id or name of what they are about; "" for everything.
        limit: lines of a page; 0 for the engine's own.
    """
    query = {"actor": actor or None, "subject": subject or None, "limit": limit or None}
    return Call("GET", ("audit",), page, query=query)
