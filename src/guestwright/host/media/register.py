"""All payloads of a host, as they are kept: one encrypted file for what is known, one for the contents.

Theory of operation: contents are written before the entry that names them, and removed after the entry that
names them no more, so a service that is killed leaves at worst contents that nobody names; `Register` removes
those when it is made. Each domain has a turn: who changes its payloads holds it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from guestwright.base.record import replace
from guestwright.host.media.contents import pack, unpack
from guestwright.host.media.errors import PayloadGone, PayloadNotFound, PayloadUnreadable
from guestwright.host.media.model import Entry, Persistence, from_bytes, to_bytes
from guestwright.host.media.vault import Vault
from guestwright.hypervisor.domain import DomainId
from guestwright.media.sources.model import Payload

Told = Callable[[Entry], None]
_ENTRY: Final = ".entry"
_CONTENTS: Final = ".contents."


class Register:
    """Payloads by domain.

    Args:
        vault: where they are kept.
        told: is called with each entry that has changed; must be quick and not raise.

    Attributes:
        unreadable: names of what could not be decrypted; it is left alone.
    """

    def __init__(self, vault: Vault, told: Told) -> None:
        self._vault = vault
        self._told = told
        self._lock = threading.Lock()
        self._turns: dict[DomainId, threading.RLock] = {}
        self._all: dict[tuple[DomainId, Persistence], Entry] = {}
        self.unreadable: list[str] = []
        self._load()

    @contextmanager
    def turn(self, domain: DomainId) -> Iterator[None]:
        """Nobody else changes the payloads of a domain meanwhile."""
        with self._lock:
            lock = self._turns.setdefault(domain, threading.RLock())
        with lock:
            yield

    def all(self) -> tuple[Entry, ...]:
        """Every payload, by domain."""
        with self._lock:
            return tuple(self._all[key] for key in sorted(self._all))

    def of(self, domain: DomainId) -> tuple[Entry, ...]:
        """Those of one domain."""
        return tuple(one for one in self.all() if one.domain == domain)

    def find(self, domain: DomainId, persistence: Persistence) -> Entry | None:
        """One of them."""
        with self._lock:
            return self._all.get((domain, persistence))

    def get(self, domain: DomainId, persistence: Persistence) -> Entry:
        """One of them.

        Raises:
            PayloadNotFound: there is none.
        """
        found = self.find(domain, persistence)
        if found is None:
            raise PayloadNotFound(domain=domain, persistence=persistence)
        return found

    def save(self, entry: Entry) -> Entry:
        """Keep an entry as it is now, and tell.

        Raises:
            PayloadNotKept: it cannot be written.
        """
        key = (entry.domain, entry.persistence)
        with self._lock:
            same = self._all.get(key) == entry
        if not same:
            self._vault.put(_name(entry), to_bytes(entry))
            with self._lock:
                self._all[key] = entry
            self._told(entry)
        return entry

    def with_contents(self, entry: Entry, payload: Payload) -> Entry:
        """Keep contents for an entry; save it next.

        Raises:
            PayloadContentsTooBig, MediaSourceError, PayloadNotKept: see there.
        """
        name = f"{entry.domain}.{entry.persistence}{_CONTENTS}{os.urandom(8).hex()}"
        self._vault.put(name, pack(payload))
        return replace(entry, contents=name)

    def contents(self, entry: Entry) -> Payload:
        """What is on the medium.

        Raises:
            PayloadGone: it is destroyed.
            PayloadUnreadable, PayloadNotKept: see there.
        """
        data = self._vault.get(entry.contents) if entry.contents else None
        if data is None:
            reason = entry.reason or str(entry.state)
            raise PayloadGone(domain=entry.domain, persistence=entry.persistence, reason=reason)
        return unpack(data)

    def replace_contents(self, entry: Entry, payload: Payload | None) -> Entry:
        """Keep other contents, or none, and destroy the former ones.

        Raises:
            PayloadNotKept: see there.
        """
        former = entry.contents
        entry = replace(entry, contents="") if payload is None else self.with_contents(entry, payload)
        self.save(entry)
        self.forget_contents(former)
        return entry

    def forget_contents(self, name: str) -> None:
        """Destroy contents that no entry names any more; "" is fine.

        Raises:
            PayloadNotKept: see there.
        """
        if name:
            self._vault.remove(name)

    def drop(self, entry: Entry) -> None:
        """Forget a payload.

        Raises:
            PayloadNotKept: something of it cannot be removed.
        """
        self._vault.remove(_name(entry))
        with self._lock:
            self._all.pop((entry.domain, entry.persistence), None)
        if entry.contents:
            self._vault.remove(entry.contents)

    def _load(self) -> None:
        names = self._vault.names()
        for name in names:
            if name.endswith(_ENTRY):
                try:
                    entry = from_bytes(self._vault.get(name) or b"")
                except (PayloadUnreadable, ValueError, KeyError, TypeError):
                    self.unreadable.append(name)
                    continue
                self._all[entry.domain, entry.persistence] = entry
        if self.unreadable:
            return  # whose the contents are is not known
        known = {one.contents for one in self._all.values()}
        for name in names:
            if _CONTENTS in name and name not in known:
                self._vault.remove(name)


def _name(entry: Entry) -> str:
    return f"{entry.domain}.{entry.persistence}{_ENTRY}"
