"""Permission lists of nodes.

Theory of operation: on the wire a list is `n0 r1 b2`: a letter (none, read, write, both) and a domain id
each. The first entry names the owner, who may do everything, and what everybody not listed may do; of the
others the first that matches counts. A list is parsed once into a table from `Domain` objects to rights and
then shared by all nodes that inherit it. Entries that name a domain which does not exist are kept as text
and give nobody anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from guestwright.xenstore.core.domain import Domain
from guestwright.xenstore.core.wire import DOMID_ANY, DOMID_MAX, Errno

MAY_READ: Final = 1
MAY_WRITE: Final = 2
ALL: Final = MAY_READ | MAY_WRITE

_BITS: Final = {b"n": 0, b"r": MAY_READ, b"w": MAY_WRITE, b"b": ALL}
_LETTERS: Final = b"nrwb"
# C xenstored reads the number with strtoul(base 0): octal and hexadecimal spellings are valid.
_ENTRY: Final = re.compile(rb"([nrwb])(?:0[xX]([0-9a-fA-F]{1,8})|0([0-7]{0,8})|([1-9][0-9]{0,8}))")

# Rights, domain id, the domain itself (None when it does not exist).
Entry = tuple[int, int, Domain | None]


class Permissions:
    """A permission list; never changed after it was made.

    Args:
        entries: the list; the first one's domain must be given.
        any_domain: whether an entry for `DOMID_ANY` matches every domain.

    Raises:
        ValueError: the owner is not given.
    """

    __slots__ = ("_access", "_default", "any_domain", "count", "entries", "owner", "wire")

    def __init__(self, entries: Sequence[Entry], *, any_domain: bool = False) -> None:
        first = entries[0]
        if first[2] is None:
            raise ValueError("the owner of a node must exist")
        self.entries = tuple(entries)
        self.any_domain = any_domain
        self.owner: Domain = first[2]
        self.count = len(self.entries)
        self.wire = b"".join([b"%c%d\0" % (_LETTERS[bits], domid) for bits, domid, _ in self.entries])
        self._default = first[0]
        self._access: dict[Domain, int] = {}
        for bits, domid, domain in self.entries[1:]:
            if any_domain and domid == DOMID_ANY:
                self._default = bits
                break
            if domain is not None:
                self._access.setdefault(domain, bits)

    def rights(self, domain: Domain) -> int:
        """What a domain without privileges may do: bits of `MAY_READ` and `MAY_WRITE`."""
        if domain is self.owner:
            return ALL
        target = domain.target
        if target is None:
            return self._access.get(domain, self._default)
        if target is self.owner:
            return ALL
        for bits, _, listed in self.entries[1:]:
            if listed is not None and (listed is domain or listed is target):
                return bits
        return self._default

    def owned_by(self, domain: Domain) -> Permissions:
        """The same list with another owner."""
        if domain is self.owner:
            return self
        entry = (self.entries[0][0], domain.domid, domain)
        return Permissions((entry, *self.entries[1:]), any_domain=self.any_domain)


def parse(
    texts: Sequence[bytes], resolve: Callable[[int], Domain | None], *, any_domain: bool = False
) -> Permissions | Errno:
    """A permission list from a request.

    Args:
        texts: the entries without their terminators.
        resolve: the present domain with an id; None when it does not exist.
        any_domain: see `Permissions`.

    Returns:
        The list; `EINVAL` when an entry is malformed or there is none; `ENOENT` without such an owner.
    """
    entries: list[Entry] = []
    for text in texts:
        entry = _parse_entry(text)
        if entry is None:
            return Errno.EINVAL
        entries.append((*entry, resolve(entry[1])))
    if not entries:
        return Errno.EINVAL
    if entries[0][2] is None:
        return Errno.ENOENT
    return Permissions(entries, any_domain=any_domain)


def _parse_entry(text: bytes) -> tuple[int, int] | None:
    match = _ENTRY.fullmatch(text)
    if match is None:
        return None
    letter, hexadecimal, octal, decimal = match.groups()
    if hexadecimal is not None:
        value = int(hexadecimal, 16)
    elif octal is not None:
        value = int(octal or b"0", 8)
    else:
        value = int(decimal)
    return (_BITS[letter], value) if value <= DOMID_MAX else None
