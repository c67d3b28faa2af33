"""The whole table of operations."""

from __future__ import annotations

from guestwright.engine.api.endpoint import Endpoint
from guestwright.engine.api.follower import Follower
from guestwright.engine.api.operations.audit_log import audit_endpoints
from guestwright.engine.api.operations.events import event_endpoints
from guestwright.engine.api.operations.hosts import host_endpoints
from guestwright.engine.api.operations.jobs import job_endpoints
from guestwright.engine.api.operations.making import making_endpoints
from guestwright.engine.api.operations.payload_endpoints import payload_endpoints
from guestwright.engine.api.operations.session import session_endpoints
from guestwright.engine.api.operations.storage import storage_endpoints
from guestwright.engine.api.operations.templates import template_endpoints
from guestwright.engine.api.operations.tokens import token_endpoints
from guestwright.engine.api.operations.users import user_endpoints
from guestwright.engine.api.operations.vm_endpoints import machine_endpoints
from guestwright.engine.api.parts import Parts


def all_endpoints(parts: Parts, follower: Follower) -> tuple[Endpoint, ...]:
    """All operations but the one that shows their description.

    Args:
        parts: of the engine.
        follower: of the stream of events.
    """
    return (
        *session_endpoints(parts),
        *host_endpoints(parts.database),
        *storage_endpoints(parts),
        *machine_endpoints(parts),
        *template_endpoints(parts),  # before others: `/templates/import` is no id
        *making_endpoints(parts),
        *payload_endpoints(parts.database, parts.payloads),
        *job_endpoints(parts.jobs),
        *event_endpoints(parts, follower),
        *user_endpoints(parts.database, parts.users),
        *token_endpoints(parts.tokens),
        *audit_endpoints(parts.database),
    )
