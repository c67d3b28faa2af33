"""Payloads move with their domains: the destination has the image at the same path before the domain comes.

    handed = hand_over(source_payloads, uuid)         # on the source, over a protected line to
    accept(destination_payloads, handed)              # the destination; then the source migrates
    call_off(destination_payloads, uuid)              # when the migration failed

The source forgets its own when the hypervisor tells that the domain has gone (`Following.happened`), and the
destination counts the domain as here when it is told that it came.
"""

from __future__ import annotations

from typing import Final

from guestwright.base.record import field, record, replace
from guestwright.host.media.contents import pack, unpack
from guestwright.host.media.errors import PayloadPathsDiffer
from guestwright.host.media.model import Entry, from_bytes, to_bytes
from guestwright.host.media.payloads import Payloads
from guestwright.hypervisor.domain import DomainId

INCOMING_SECONDS: Final = 3600.0
"""For how long a domain is expected."""


@record
class Handed:
    """One payload on its way: a secret, never to be kept or logged.

    Attributes:
        directory: of images on the source.
        entry: what is known of it.
        contents: what is on it; empty when it is destroyed.
    """

    directory: str
    entry: bytes = field(repr=False)
    contents: bytes = field(repr=False)


def hand_over(payloads: Payloads, domain: DomainId) -> tuple[Handed, ...]:
    """The payloads of a domain, for the host that it goes to.

    Raises:
        PayloadUnreadable, PayloadNotKept: see there.
    """
    with payloads.register.turn(domain):
        return tuple(_handed(payloads, one) for one in payloads.register.of(domain))


def accept(payloads: Payloads, handed: tuple[Handed, ...]) -> None:
    """Keep what comes, and make the images that the run of the domain has.

    Raises:
        PayloadPathsDiffer: the images would be somewhere else than the run looks for them.
        ValueError: it is not what `hand_over` made.
        MediaError, PayloadNotKept: an image cannot be made, or nothing be kept.
    """
    for one in handed:
        here = payloads.shelf.directory
        if one.directory != here:
            raise PayloadPathsDiffer(there=one.directory, here=here)
        entry = from_bytes(one.entry)
        with payloads.register.turn(entry.domain):
            former = payloads.register.find(entry.domain, entry.persistence)
            entry = replace(entry, contents="", incoming=payloads.clock() + INCOMING_SECONDS)
            if one.contents:
                entry = payloads.register.with_contents(entry, unpack(one.contents))
            payloads.register.save(entry)
            if former is not None:
                payloads.register.forget_contents(former.contents)
            if entry.inside and entry.place is not None and entry.contents:
                payloads.showing.image(entry, entry.place)


def call_off(payloads: Payloads, domain: DomainId) -> None:
    """The domain does not come: forget its payloads, unless it is here after all.

    Raises:
        PayloadNotKept, MediaError: something of them cannot be removed.
    """
    with payloads.register.turn(domain):
        for entry in payloads.register.of(domain):
            if entry.incoming:
                payloads.showing.forget(entry)


def _handed(payloads: Payloads, entry: Entry) -> Handed:
    contents = pack(payloads.register.contents(entry)) if entry.contents else b""
    return Handed(directory=payloads.shelf.directory, entry=to_bytes(entry), contents=contents)
