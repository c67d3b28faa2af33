"""The deliberate differences from C xenstored 4.17, as predicates; docs/xenstore.md says why.

Theory of operation: when replies differ, the first predicate that holds excuses it, and its name is counted.
Where the two stores are no longer in the same state after it, the sequence ends there. A few differences do
not show in the reply that causes them: `foreseen` ends the sequence before such a step. For every name there
is a short sequence (`SHOWN`) in which it occurs; a difference that is gone must go from the list.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from guestwright.xenstore.core import wire
from guestwright.xenstore.core.errors import BadMessage
from guestwright.xenstore.core.path import canonical
from guestwright.xenstore.core.request_parser import parse_request
from tests.support.real_xenstored import Message
from tests.system.xenstore.differential.ours import OurStore
from tests.system.xenstore.differential.steps import Step, Steps


@dataclass(frozen=True, slots=True)
class Case:
    """One request and what the two said to it.

    Attributes:
        ours: our reply; None if the connection ended.
        path_max: guests' quota for the length of a path.
        real: the real one's; None if the connection ended or `died`.
        died: the real server ended.
    """

    who: str | int
    kind: int
    payload: bytes
    transaction: int
    ours: Message | None
    real: Message | None
    path_max: int = 2048
    died: bool = False

    def error(self, name: str) -> bool:
        """Whether we answered with this error."""
        return self.ours is not None and self.ours[0] == wire.ERROR and self.ours[3] == name.encode() + b"\0"

    def real_error(self, *names: str) -> bool:
        """Whether the real one answered with one of these errors, or with any if none is given."""
        if self.real is None or self.real[0] != wire.ERROR:
            return False
        return not names or self.real[3][:-1].decode() in names

    @property
    def fine(self) -> bool:
        """Whether we did what was asked."""
        return self.ours is not None and self.ours[0] != wire.ERROR

    @property
    def real_fine(self) -> bool:
        """Whether the real one did what was asked."""
        return self.real is not None and self.real[0] != wire.ERROR


def _malformed(case: Case) -> bool:
    """Both refuse (or the real one ends itself): the form of the request is wrong."""
    if not case.error("EINVAL") or not (case.real_error() or case.died):
        return False
    return not _well_formed(case) or _unknown_special(case)


def _well_formed(case: Case) -> bool:
    try:
        parse_request(case.kind, case.payload)
    except BadMessage:
        return False
    return True


def _unknown_special(case: Case) -> bool:
    path = case.payload.partition(b"\0")[0]
    return case.kind == wire.SET_PERMS and path[:1] == b"@" and path not in {wire.INTRODUCED, wire.RELEASED}


_NUMBERED: Final = {
    wire.INTRODUCE,
    wire.RELEASE,
    wire.GET_DOMAIN_PATH,
    wire.IS_DOMAIN_INTRODUCED,
    wire.RESUME,
    wire.SET_TARGET,
    wire.DIRECTORY_PART,
    wire.CONTROL,
}


def _numbers(case: Case) -> bool:
    """A number is not one for us, or too large; C makes something of it."""
    if case.kind == wire.SET_PERMS and case.error("EINVAL"):
        return any(not one[1:].isalnum() for one in wire.strings(case.payload)[1:])
    if case.kind not in _NUMBERED or not case.error("EINVAL"):
        return False
    texts = wire.strings(case.payload)
    if case.kind == wire.DIRECTORY_PART:
        texts = texts[1:]
    ids = texts[:1] if case.kind == wire.INTRODUCE else texts
    return any(wire.number(one) is None for one in texts) or any(wire.domid(one) is None for one in ids)


def _long_path(case: Case) -> bool:
    """A privileged client's path that only a guest's quota would forbid."""
    raw = case.payload.partition(b"\0")[0]
    absolute = canonical(raw, b"/local/domain/0/", None)
    return (
        isinstance(case.who, str)
        and absolute is not None
        and canonical(absolute, b"", case.path_max) is None
        and case.real_error()
        and case.ours != case.real
    )


def _special_perms(case: Case) -> bool:
    """GET_PERMS of a special watch."""
    return case.kind == wire.GET_PERMS and case.payload[:1] == b"@" and case.real_error()


def _special_abort(case: Case) -> bool:
    """A guest may not change a special's permissions; the real one may abort over it."""
    return (
        case.kind == wire.SET_PERMS
        and case.payload[:1] == b"@"
        and isinstance(case.who, int)
        and not case.fine
        and (case.died or case.real_error())
    )


def _generation(case: Case) -> bool:
    """DIRECTORY_PART counts other things; the listing must agree as far as both go."""
    if case.kind != wire.DIRECTORY_PART or not (case.fine and case.real_fine):
        return False
    assert case.ours is not None
    assert case.real is not None
    ours, real = case.ours[3].partition(b"\0"), case.real[3].partition(b"\0")
    if not (ours[0].isdigit() and real[0].isdigit()):
        return False
    short, long = sorted((ours[2], real[2]), key=len)
    return short == long or (len(long) > 4000 and long.startswith(short))


def _torn_removal(case: Case) -> bool:
    """RM, in a transaction, of a subtree that it cannot see as a whole: changed by others, or too large."""
    ours = case.fine or case.error("ENOSPC")
    return case.kind == wire.RM and case.transaction != 0 and ours and case.real_error("EIO")


def _torn_listing(case: Case) -> bool:
    """A directory, in a transaction, in which others made what the transaction had made as well."""
    if case.kind not in {wire.DIRECTORY, wire.DIRECTORY_PART} or not case.transaction:
        return False
    if not (case.ours and case.real and case.fine and case.real_fine):
        return False
    ours, real = (one[3].split(b"\0")[case.kind == wire.DIRECTORY_PART :] for one in (case.ours, case.real))
    return len(real) > len(ours) and set(ours) == set(real)


def _gone_owner(case: Case) -> bool:
    """The commit would give a node to a domain that has gone."""
    return case.kind == wire.TRANSACTION_END and case.error("EAGAIN") and case.real_fine


def _control(case: Case) -> bool:
    """Commands and texts of CONTROL."""
    return case.kind == wire.CONTROL and isinstance(case.who, str)


@dataclass(frozen=True, slots=True)
class Difference:
    """One row of the table.

    Attributes:
        holds: whether the difference explains unequal replies; None if it never shows in a reply.
        goes_on: whether both are in the same state after it; else the sequence ends.
        shown: a sequence in which it occurs.
    """

    holds: Callable[[Case], bool] | None
    goes_on: Callable[[Case], bool]
    shown: Steps


def _both_refuse(case: Case) -> bool:
    return not case.fine and case.real_error()


def _always(case: Case) -> bool:
    return not case.died


def _never(case: Case) -> bool:
    del case
    return False


def guests(*domids: int) -> Steps:
    """Steps that make domains with a directory of their own, as a toolstack does it."""
    steps: Steps = []
    for one in domids:
        home = b"/local/domain/%d\0" % one
        steps += [
            (one, "exists"),
            ("a", wire.WRITE, home, 0),
            ("a", wire.SET_PERMS, home + b"n%d\0" % one, 0),
            ("a", wire.INTRODUCE, b"%d\0001\0002\0" % one, 0),
        ]
    return steps


DIFFERENCES: Final[dict[str, Difference]] = {
    "malformed": Difference(
        _malformed, _both_refuse, [*guests(1), (1, wire.READ, b"/none\0", 0), (1, wire.RM, b"a\0b\0", 0)]
    ),
    "numbers": Difference(
        _numbers,
        lambda case: _both_refuse(case) or case.kind in {wire.GET_DOMAIN_PATH, wire.IS_DOMAIN_INTRODUCED},
        [("a", wire.GET_DOMAIN_PATH, b"-1\0", 0)],
    ),
    "long-paths": Difference(
        _long_path, _both_refuse, [("a", wire.WRITE, b"/" + b"x" * 1500 + b"/" + b"y" * 1000 + b"\0", 0)]
    ),
    "special-perms": Difference(_special_perms, _always, [("a", wire.GET_PERMS, b"@releaseDomain\0", 0)]),
    "special-abort": Difference(
        _special_abort, _both_refuse, [*guests(1), (1, wire.SET_PERMS, b"@releaseDomain\0r1\0", 0)]
    ),
    "generation": Difference(
        _generation,
        _always,
        [
            *guests(1),
            ("a", wire.WATCH, b"/\0t\0", 0),
            ("a", wire.DIRECTORY_PART, b"/local/domain/1\x000\x00", 0),
        ],
    ),
    "torn-removal": Difference(
        _torn_removal,
        _never,
        [
            ("a", wire.WRITE, b"/d/x\0", 0),
            ("a", wire.TRANSACTION_START, b"\0", 0),
            ("a", wire.DIRECTORY, b"/d\0", 1),
            ("b", wire.RM, b"/d/x\0", 0),
            ("a", wire.RM, b"/d\0", 1),
        ],
    ),
    "torn-listing": Difference(
        _torn_listing,
        _always,
        [
            ("a", wire.WRITE, b"/d/x\0", 0),
            ("a", wire.TRANSACTION_START, b"\0", 0),
            ("a", wire.WRITE, b"/d/y\0", 1),
            ("b", wire.RM, b"/d/x\0", 0),
            ("a", wire.WRITE, b"/d/x\0", 1),
            ("a", wire.DIRECTORY, b"/d\0", 1),
        ],
    ),
    "gone-owner": Difference(
        _gone_owner,
        _never,
        [
            *guests(1),
            ("a", wire.WRITE, b"/x\0", 0),
            ("a", wire.TRANSACTION_START, b"\0", 0),
            ("a", wire.SET_PERMS, b"/x\0n1\0", 1),
            ("a", wire.RELEASE, b"1\0", 0),
            ("a", wire.TRANSACTION_END, b"T\0", 1),
        ],
    ),
    "control": Difference(_control, _always, [("a", wire.CONTROL, b"help\0", 0)]),
    "release-order": Difference(
        None,
        _always,
        [
            (1, "exists"),
            ("b", wire.WATCH, b"@releaseDomain\0t\0", 0),
            ("a", wire.INTRODUCE, b"1\0001\0002\0", 0),
            ("b", wire.RELEASE, b"1\0", 0),
        ],
    ),
    "targets": Difference(
        None,
        _never,
        [
            *guests(1, 2),
            ("a", wire.SET_TARGET, b"1\x002\x00", 0),
            ("a", wire.RELEASE, b"2\0", 0),
            ("a", wire.DIRECTORY, b"/local/domain\0", 0),
        ],
    ),
}


def excuse(case: Case) -> str | None:
    """The name of the difference that explains unequal replies."""
    for name, one in DIFFERENCES.items():
        if one.holds is not None and one.holds(case):
            return name
    return None


def foreseen(step: Step, ours: OurStore, dying: Collection[int] = ()) -> str | None:
    """The name of a difference that this step will make without a word.

    Args:
        step: the next one.
        ours: our store.
        dying: domains that end, whatever the hypervisor's next news is about.
    """
    who, what = step[0], step[1]
    ending: set[int] = set()
    if isinstance(who, int) and what in {"s", "c", "d", "gone"}:
        ending = {*dying, who} if what in {"d", "gone"} else {*dying} - {who}
    elif what == wire.RELEASE and isinstance(who, str):
        text = wire.single(step[2])
        domid = None if text is None else wire.domid(text)
        ending = {domid} if domid else set()
    core = ours.store.core
    targets = {one.target for one in core.domains.values()}
    if any(core.domains.get(one) in targets for one in ending if one in core.domains):
        return "targets"
    return None
