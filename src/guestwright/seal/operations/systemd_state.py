"""Secrets and state that systemd keeps for one machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from guestwright.seal import conditions
from guestwright.seal.changes import Change, Note, Options, Severity
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation
from guestwright.seal.paths import Action, PathRule, rules

_CREDENTIALS: Final = "{/etc,/usr/lib,/var/lib}/credstore.encrypted/*"


def _warn(guest: Guest, options: Options, gone: Sequence[Change]) -> Iterator[Change]:
    """Say which credentials become unreadable."""
    del options
    if gone and guest.fs.glob([_CREDENTIALS]):
        text = "credentials in credstore.encrypted were encrypted with this secret; no clone can read them"
        yield Note(path="/etc/credstore.encrypted", text=text)


OPERATIONS: Final = (
    Operation(
        name="random-seed",
        summary="Remove saved random seeds",
        severity=Severity.ERROR,
        applies=conditions.unix,
        plan=rules(
            PathRule(
                globs=(
                    "/var/lib/{systemd/random-seed,random-seed,urandom/random-seed,misc/random-seed}",
                    "/var/lib/seedrng/seed.*",
                    "/etc/random-seed",
                    "/{boot,efi,boot/efi,boot/EFI}/loader/random-seed",
                    "/var/db/entropy-file",
                    "/{,boot/}entropy",
                    "/var/db/entropy/*",
                ),
                regular=True,
                secret=True,
                reason="seed of the random number generator; shared, it makes clones' secrets guessable",
            )
        ),
        source="systemd docs/BUILDING_IMAGES.md; random(4); virt-sysprep refills it, once for all clones",
    ),
    Operation(
        name="credential-secret",
        summary="Remove the secret that systemd encrypts credentials with",
        severity=Severity.ERROR,
        applies=conditions.linux,
        plan=rules(
            PathRule(
                globs=("/var/lib/systemd/credential.secret",),
                secret=True,
                reason="host key of systemd-creds; made again when needed",
            ),
            then=_warn,
        ),
        source="systemd-creds(1); systemd docs/BUILDING_IMAGES.md",
    ),
    Operation(
        name="systemd-state",
        summary="Remove core dumps, crash records and timer stamps that systemd keeps",
        severity=Severity.WARNING,
        applies=conditions.linux,
        plan=rules(
            PathRule(
                globs=("/var/lib/systemd/{coredump,pstore}/*",),
                action=Action.REMOVE_TREE,
                secret=True,
                reason="memory of the old machine's processes or kernel",
            ),
            PathRule(
                globs=("/var/lib/systemd/timers/stamp-*",),
                reason="when timers last ran on the old machine",
            ),
        ),
        source="systemd-coredump(8), systemd-pstore(8), systemd.timer(5) Persistent=",
    ),
    Operation(
        name="journal-upload",
        summary="Remove the place in the journal up to which it was uploaded",
        severity=Severity.INFO,
        applies=conditions.linux,
        plan=rules(
            PathRule(
                globs=("/var/lib/{,private/}systemd/journal-upload/state",),
                reason="names a place in the old machine's journal",
            )
        ),
        source="systemd-journal-upload.service(8)",
    ),
)
