"""Operations on domains: introduce, release, resume, target, features and quotas."""

from __future__ import annotations

from guestwright.xenstore.core.connection import Connection
from guestwright.xenstore.core.domain import TRANSITIONS, Action, Domain, Event, Phase
from guestwright.xenstore.core.on_watches import drop_all
from guestwright.xenstore.core.path import home
from guestwright.xenstore.core.quota import NAMES, Limits
from guestwright.xenstore.core.state import Core
from guestwright.xenstore.core.transaction import Transaction
from guestwright.xenstore.core.tree import Tree
from guestwright.xenstore.core.wire import (
    DOMID_FIRST_RESERVED,
    INTRODUCED,
    OK,
    RELEASED,
    Errno,
    Result,
    domid,
    number,
    single,
    strings,
)

View = Tree | Transaction


def advance(core: Core, domain: Domain, event: Event) -> bool:
    """Move a domain along its table, with all that follows from it.

    Returns:
        Whether the table has the transition.
    """
    found = TRANSITIONS.get((domain.phase, event))
    if found is None:
        return False
    domain.phase, actions = found
    for action in actions:
        if action is Action.ANNOUNCE:
            core.fire_special(INTRODUCED, domain.domid)
        elif action is Action.RECONNECT:
            _reconnect(core, domain)
        elif action is Action.CLEAN:
            _clean(core, domain)
        else:
            core.fire_special(RELEASED, domain.domid)
    return True


def _reconnect(core: Core, domain: Domain) -> None:
    connection = core.guests[domain]
    drop_all(core, connection)
    connection.take()
    connection.restart()
    core.delivered(connection)


def _clean(core: Core, domain: Domain) -> None:
    """Forget all that a domain held; events about its nodes go out before it is announced as gone."""
    connection = core.guests.pop(domain, None)
    if connection is not None:
        drop_all(core, connection)
        connection.broken = True
        connection.take()
        core.delivered(connection)
        core.ready.pop(connection, None)
        core.runnable.pop(connection, None)
        core.host.detach(domain.domid)
    del core.domains[domain.domid]
    core.forget_permissions()
    for path in core.tree.topmost_owned(domain):
        core.fire_removed(core.tree.remove(path, core.tree.nodes[path]))
    for path in list(domain.owned):  # only the root can be left: it always exists
        node = core.tree.nodes[path]
        core.tree.set_perms(path, node, node.perms.owned_by(core.dom0))
    for special in core.specials.values():
        if special.perms.owner is domain:
            special.perms = special.perms.owned_by(core.dom0)
    for other in core.domains.values():
        if other.target is domain:
            other.target = None


def introduce(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """INTRODUCE: connect to a domain's ring."""
    del connection, view
    texts = strings(payload)
    if len(texts) < 3:
        return Errno.EINVAL
    one, gfn, port = domid(texts[0]), number(texts[1]), number(texts[2])
    if one is None or gfn is None or not port:
        return Errno.EINVAL
    domain = core.resolve(one)
    if domain is None:
        return Errno.ENOENT
    if domain.privileged:
        return OK  # the store's own domain is there from the beginning
    error = core.host.attach(one, gfn, port)
    if error is not None:
        return error
    connect(core, domain)
    return OK


def connect(core: Core, domain: Domain) -> Connection:
    """Give a domain its connection, or a new beginning on the one that it has."""
    if domain not in core.guests:
        core.guests[domain] = Connection(domain, core.guest_table)
    advance(core, domain, Event.INTRODUCE)
    return core.guests[domain]


def _lifecycle(core: Core, payload: bytes, event: Event) -> Result:
    """Move a domain along its table; what follows from it is told before the reply, as in C xenstored."""
    one = _one_domain(payload)
    if not one:
        return Errno.EINVAL
    domain = core.domains.get(one)
    return OK if domain is not None and advance(core, domain, event) else Errno.ENOENT


def _one_domain(payload: bytes) -> int | None:
    text = single(payload)
    return None if text is None else domid(text)


def release(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """RELEASE: let go of a domain."""
    del connection, view
    return _lifecycle(core, payload, Event.RELEASE)


def resume(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """RESUME: a domain that was shut down goes on."""
    del connection, view
    return _lifecycle(core, payload, Event.RESUME)


def get_domain_path(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """GET_DOMAIN_PATH: a domain's directory, whether the domain exists or not."""
    del core, connection, view
    one = _one_domain(payload)
    return Errno.EINVAL if one is None else home(one) + b"\0"


def is_domain_introduced(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """IS_DOMAIN_INTRODUCED: `T` or `F`."""
    del connection, view
    one = _one_domain(payload)
    if one is None:
        return Errno.EINVAL
    domain = core.domains.get(one)
    introduced = one == DOMID_FIRST_RESERVED or (domain is not None and domain.introduced)
    return b"T\0" if introduced else b"F\0"


def set_target(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """SET_TARGET: give a domain the rights of another one as well."""
    del connection, view
    texts = strings(payload)
    if len(texts) != 2:
        return Errno.EINVAL
    one, other = domid(texts[0]), domid(texts[1])
    if one is None or other is None:
        return Errno.EINVAL
    domain, target = core.domains.get(one), core.domains.get(other)
    if domain is None or target is None or not domain.introduced or not target.introduced:
        return Errno.ENOENT
    domain.target = target
    return OK


def get_feature(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """GET_FEATURE: the features that a domain sees, as a decimal bitmap."""
    del view
    domain: Domain | None = connection.domain
    if payload.rstrip(b"\0"):
        if not connection.privileged:
            return Errno.EACCES
        one = _one_domain(payload)
        if one is None:
            return Errno.EINVAL
        domain = core.domains.get(one)
    return Errno.ENOENT if domain is None else b"%d\0" % domain.features


def set_feature(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """SET_FEATURE: what a domain sees, before it is introduced."""
    del connection, view
    texts = strings(payload)
    if len(texts) != 2:
        return Errno.EINVAL
    one, bits = domid(texts[0]), number(texts[1])
    if one is None or bits is None or bits & ~core.features:
        return Errno.EINVAL
    domain = core.resolve(one)
    if domain is None:
        return Errno.ENOENT
    if domain.phase is not Phase.KNOWN:
        return Errno.EBUSY
    domain.features = bits
    return OK


def get_quota(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """GET_QUOTA: names of all quotas, or one of the store's, or one of a domain's."""
    del connection, view
    if not payload.rstrip(b"\0"):
        return b" ".join(NAMES) + b"\0"
    texts = strings(payload)
    if not 1 <= len(texts) <= 2:
        return Errno.EINVAL
    limits = _limits(core, texts[:-1])
    if isinstance(limits, Errno):
        return limits
    value = limits.get(texts[-1])
    return Errno.EINVAL if value is None else b"%d\0" % value


def _limits(core: Core, who: list[bytes]) -> Limits | Errno:
    """The store's limits, or those of the domain named."""
    if not who:
        return core.limits
    one = domid(who[0])
    if one is None:
        return Errno.EINVAL
    domain = core.domains.get(one)
    return Errno.ENOENT if domain is None else domain.limits


def set_quota(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """SET_QUOTA: one quota of the store, or of a domain."""
    del connection, view
    texts = strings(payload)
    if not 2 <= len(texts) <= 3:
        return Errno.EINVAL
    limits = _limits(core, texts[:-2])
    if isinstance(limits, Errno):
        return limits
    value = number(texts[-1])
    if value is None or texts[-2] not in NAMES:
        return Errno.EINVAL
    if len(texts) == 3 and limits is core.limits:
        domain = core.domains[int(texts[0])]
        limits = domain.limits = core.limits.copy()
    limits.set(texts[-2], value)
    return OK
