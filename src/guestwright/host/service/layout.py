"""What a domain's directory in our store holds before its guest writes anything.

The layout is that of xenopsd (docs/xenstore-schema.md, Permissions): the directory is the host's and the
guest may read it; some directories below are the guest's own. What the host tells is what agents ask for:
the number, the name, the memory target and, of each card, the MAC address.
"""

from __future__ import annotations

from typing import Final

from guestwright.hypervisor.domain import Domain
from guestwright.xenstore.client.operations import Several, Steps
from guestwright.xenstore.core import requests

GUESTS_OWN: Final = (
    "attr",
    "control",
    "data",
    "drivers",
    "feature",
    "xenserver/attr",
    "xenserver/device",
)
NICS_MAX: Final = 64


def home(domid: int) -> str:
    """The directory of a domain."""
    return f"/local/domain/{domid}"


def create(domid: int, domain: Domain, unique: str) -> Steps[None]:
    """Make the directory of a domain.

    Args:
        domid: its number, new.
        domain: what it is.
        unique: an id that no other life of any domain has.
    """
    top = home(domid)
    may_read = (b"n0", b"r%d" % domid)
    yield from _all(
        [
            requests.Write(top.encode(), b""),
            requests.SetPerms(top.encode(), may_read),
            requests.Write(f"{top}/domid".encode(), b"%d" % domid),
            requests.Write(f"{top}/unique-domain-id".encode(), unique.encode()),
            requests.Write(f"{top}/vm".encode(), f"/vm/{domain.uuid}".encode()),
        ]
    )
    yield from _all([requests.Mkdir(f"{top}/{one}".encode()) for one in GUESTS_OWN])
    yield from _all([requests.SetPerms(f"{top}/{one}".encode(), (b"n%d" % domid,)) for one in GUESTS_OWN])
    yield from tell(domid, domain, memory=True)


def tell(domid: int, domain: Domain, *, memory: bool = False) -> Steps[None]:
    """Write what the host tells, as it is now.

    Args:
        domid: of the directory.
        domain: what it is.
        memory: whether the memory target is to be set, to what the domain has.
    """
    top = home(domid)
    found: list[requests.Request] = [
        requests.Write(f"{top}/name".encode(), domain.name.encode("utf-8", "replace")[:1024])
    ]
    if memory and domain.memory_actual:
        found.append(requests.Write(f"{top}/memory/target".encode(), b"%d" % (domain.memory_actual >> 10)))
        found.append(
            requests.Write(f"{top}/memory/static-max".encode(), b"%d" % (domain.memory_maximum >> 10))
        )
    for number, nic in enumerate(domain.nics[:NICS_MAX]):
        found.append(requests.Write(f"{top}/device/vif/{number}/mac".encode(), nic.mac.encode()))
    yield from _all(found)


def _all(some: list[requests.Request]) -> Steps[None]:
    if some:
        yield Several(some)
