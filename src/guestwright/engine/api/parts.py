"""The parts of the engine that the API shows."""

from __future__ import annotations

from collections.abc import Callable

from guestwright.base.record import record
from guestwright.engine.accounts.tokens import Tokens
from guestwright.engine.accounts.users import Users
from guestwright.engine.api.guest_port import GuestPort
from guestwright.engine.inventory.database import Database
from guestwright.engine.jobs.jobs import Jobs
from guestwright.engine.payloads.payloads import Payloads
from guestwright.host.client.address import Address

SESSION_SECONDS = 12 * 3600.0


@record
class Parts:
    """All of them.

    Attributes:
        database: the inventory.
        users: of this installation.
        tokens: likewise.
        payloads: likewise.
        jobs: of this engine; knows the kinds `vm.create`, `vm.create-many`, `vm.remove`, `template.create` ….
        guests: live actions.
        addresses: where the service of a host is, by the host's id.
        clock: seconds since 1970.
        session: seconds that the token of a login lives.
    """

    database: Database
    users: Users
    tokens: Tokens
    payloads: Payloads
    jobs: Jobs
    guests: GuestPort
    addresses: Callable[[str], Address]
    clock: Callable[[], float]
    session: float = SESSION_SECONDS
