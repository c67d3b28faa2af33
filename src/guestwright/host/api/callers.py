"""Who calls, and with which role. Pure.

Theory of operation: on the unix socket the kernel says who is at the other end (user and groups at the time
of `connect`, SO_PEERCRED and SO_PEERGROUPS of socket(7)); root and the user that the service runs as are
administrators, members of one configured group have one configured role, all others none. On TLS the
handshake has proved that a certificate is the authority's; it says name and role, and the list of what was
issued says whether it counts still. A certificate's words are ours, not the client's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guestwright.base.record import record
from guestwright.host.api.errors import Forbidden
from guestwright.host.enrol.roles import Role, role_of_uri


@record
class Local:
    """Somebody on this host.

    Attributes:
        uid: number of the user.
        gids: numbers of all groups that the process is in.
        pid: number of the process, for the audit.
    """

    uid: int
    gids: frozenset[int]
    pid: int

    def __str__(self) -> str:
        return f"uid:{self.uid}"


@record
class Certified:
    """Somebody with a certificate of this host's authority.

    Attributes:
        name: of the owner.
        role: in the certificate; None when it names none.
        serial: as `enrol` writes it.
    """

    name: str
    role: Role | None
    serial: str

    def __str__(self) -> str:
        return f"cert:{self.name}"


Peer = Local | Certified


@record
class Caller:
    """Who calls, with the role that counts.

    Attributes:
        peer: who.
        role: what it may do.
    """

    peer: Peer
    role: Role

    def __str__(self) -> str:
        return str(self.peer)


@record
class Access:
    """Who on this host may do what.

    Attributes:
        owner: number of the user that the service runs as.
        group: number of a group of others; None for nobody else.
        group_role: what its members may do.
    """

    owner: int
    group: int | None = None
    group_role: Role = Role.OPERATOR

    def local(self, peer: Local) -> Caller:
        """The role of somebody on this host.

        Raises:
            Forbidden: none.
        """
        if peer.uid in (0, self.owner):
            return Caller(peer=peer, role=Role.ADMIN)
        if self.group is not None and self.group in peer.gids:
            return Caller(peer=peer, role=self.group_role)
        raise Forbidden(caller=str(peer), problem="neither the service's user nor in its group")


def certified(certificate: Mapping[str, Any] | None) -> Certified | None:
    """What a certificate says, as `ssl.SSLObject.getpeercert` shows it; None when it says nothing."""
    if not certificate:
        return None
    names = [value for rdn in certificate.get("subject", ()) for key, value in rdn if key == "commonName"]
    roles = [role_of_uri(value) for kind, value in certificate.get("subjectAltName", ()) if kind == "URI"]
    serial = str(certificate.get("serialNumber", "")).lower().rjust(40, "0")
    if len(names) != 1:
        return None
    return Certified(name=names[0], role=roles[0] if len(roles) == 1 else None, serial=serial)
