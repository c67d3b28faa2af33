"""The parts of the service, made and joined."""

from __future__ import annotations

import threading
from collections.abc import Callable

from guestwright.host.facts.book import Book, Life
from guestwright.host.service.announcing import Announcing
from guestwright.host.service.channels import Channels
from guestwright.host.service.configuration import Configuration
from guestwright.host.service.domains import Domains
from guestwright.host.service.joints import Joints
from guestwright.host.service.listening import Listening
from guestwright.host.service.own_store import OwnStore
from guestwright.host.service.plugging import plug
from guestwright.host.service.port import ChannelState
from guestwright.host.service.stores import Store
from guestwright.host.service.xen_following import XenFollowing
from guestwright.hypervisor.domain import Domain
from guestwright.hypervisor.port import Hypervisor

Failed = Callable[[BaseException], object]


class Parts:
    """All parts with a thread of their own.

    Args:
        hypervisor: whose domains.
        store: where their guests' keys are.
        book: what is known of them.
        lock: guards it.
        announcing: who tells.
        configuration: settings.
        failed: called when a part ends by a fault.

    Attributes:
        domains: which there are.
        listening: to their guests.
        joints: what follows from what.
    """

    def __init__(
        self,
        hypervisor: Hypervisor,
        store: Store,
        book: Book,
        lock: threading.Lock,
        announcing: Announcing,
        configuration: Configuration,
        failed: Failed,
    ) -> None:
        self._hypervisor = hypervisor
        self._store = store
        self._configuration = configuration
        self.listening = Listening(
            store.client, book, lock, announcing, pace=configuration.pace, failed=failed
        )
        self._channels: Channels | None = None
        if isinstance(store, OwnStore):
            self._channels = Channels(store, self._line, failed)
            store.on_closed(self._channels.closed)
        self.joints = Joints(book, lock, self.listening, self._channels, announcing, self._plug_if_agreed)
        self.domains = Domains(hypervisor, store, self.joints, failed)
        self._following: XenFollowing | None = None
        if store.native:
            self._following = XenFollowing(
                store.client, self._lives, self.joints.released, self.domains.look_again, failed
            )

    def start(self) -> None:
        """Start all; returns when all domains are known.

        Raises:
            HypervisorError, XenstoreError: somebody does not answer.
        """
        self.listening.start()
        if self._channels is not None:
            self._channels.start()
        self.domains.start()
        if self._following is not None:
            self._following.start()
        if isinstance(self._store, OwnStore):
            self._store.bury({life.domid for life in self._lives()})

    def stop(self) -> None:
        """End all. May be called when `start` failed."""
        if self._following is not None:
            self._following.close()
        self.domains.close()
        if self._channels is not None:
            self._channels.close()
        self.listening.close()

    def check(self) -> None:
        """See that the store answers.

        Raises:
            PartFailed: ours does not.
        """
        if isinstance(self._store, OwnStore):
            self._store.beat()
        self.joints.store(there=self._store.healthy())

    def _lives(self) -> list[Life]:
        return [one.life for one in self.domains.entries if one.life is not None]

    def _plug_if_agreed(self, domain: Domain) -> tuple[Domain, str]:
        """The domain afterwards, and what became of it, for people."""
        if not self._configuration.plug_channels:
            return domain, "it has no port for the agent, and the operator has not agreed to plug one"
        done = plug(self._hypervisor, domain, self._configuration.channel_directory)
        return self._hypervisor.get(domain.uuid), done

    def _line(self, domid: int, state: ChannelState, reason: str) -> None:
        self.joints.line(self.domains, domid, state, reason)
