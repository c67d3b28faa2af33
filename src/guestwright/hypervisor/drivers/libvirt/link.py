"""One connection to libvirt that comes back by itself.

Theory of operation: libvirtd may be restarted while domains run on. A call that the break hits is told so
(`HypervisorLost`: nobody knows whether it was done); the next call opens a new connection. A thread of our
own opens it also when nobody calls, since events come only over a connection; it says LOST and FOUND, so that
listeners list the domains again. Registrations belong to a connection and are made anew on each.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

from guestwright.hypervisor.dispatch import Dispatcher
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.drivers.libvirt import binding
from guestwright.hypervisor.drivers.libvirt.failures import Code, translated
from guestwright.hypervisor.drivers.libvirt.happenings import PORT_CHANGE, lifecycle, port_change
from guestwright.hypervisor.errors import HypervisorLost, HypervisorUnreachable
from guestwright.hypervisor.events import Event, EventKind

_AGAIN: Final = 1.0  # seconds between attempts to come back
_ALIVE_EVERY, _ALIVE_MISSES = 5, 3  # seconds and count: a daemon that hangs is lost after 20 s


class Link:
    """The connection.

    Args:
        uri: of the hypervisor, as libvirt reads it.
        dispatcher: takes the events.

    Raises:
        HypervisorUnreachable, HypervisorBindingMissing: there is none to be had.
    """

    def __init__(self, uri: str, dispatcher: Dispatcher) -> None:
        self.uri = uri
        self.binding = binding.load()
        self._dispatcher = dispatcher
        self._lock = threading.RLock()
        self._connection: Any = None
        self._callbacks: list[int] = []
        self._ports: int | None = None
        self._again = False
        self._broken = threading.Event()
        self._closing = threading.Event()
        self.connection()
        self._keeper = threading.Thread(target=self._keep, name="libvirt-keeper", daemon=True)
        self._keeper.start()

    def connection(self) -> Any:
        """A connection that lives; a new one when the last has died.

        Raises:
            HypervisorUnreachable: none can be made, or the link was closed.
        """
        with self._lock:
            if self._closing.is_set():
                raise HypervisorUnreachable(uri=self.uri, detail="this side has closed the connection")
            if self._connection is not None and not self._broken.is_set() and self._alive(self._connection):
                return self._connection
            again = self._again
            self._drop()
            try:
                self._connection = self.binding.open(self.uri)
                self._register(self._connection)
            except self.binding.libvirtError as error:
                raise HypervisorUnreachable(uri=self.uri, detail=error) from error
            self._broken.clear()
            self._again = True
            if again:
                self._dispatcher.put(Event(kind=EventKind.FOUND))
            return self._connection

    @contextmanager
    def call(self, action: str, domain: str = "the host") -> Iterator[Any]:
        """A connection for some calls; libvirt's errors come out as ours.

        Args:
            action: what is asked for, for errors.
            domain: of which domain.
        """
        connection = self.connection()
        try:
            yield connection
        except self.binding.libvirtError as error:
            if not self._alive(connection):
                raise HypervisorLost(uri=self.uri, action=action) from error
            code, source = error.get_error_code() or 0, error.get_error_domain() or 0
            text = error.get_error_message() or str(error)
            raise translated(code, source, text, action=action, domain=domain) from error

    def close(self) -> None:
        """Let go. May be called twice."""
        self._closing.set()
        self._broken.set()
        if threading.current_thread() is not self._keeper:
            self._keeper.join()
        with self._lock:
            self._drop()

    def _alive(self, connection: Any) -> bool:
        try:
            return bool(connection.isAlive())
        except self.binding.libvirtError:
            return False  # another thread has dropped it

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        callbacks, self._callbacks = self._callbacks, []
        ports, self._ports = self._ports, None
        if connection is None:
            return
        try:
            connection.unregisterCloseCallback()
            for each in callbacks:
                connection.domainEventDeregisterAny(each)
            if ports is not None:
                import_module("libvirt_qemu").qemuMonitorEventDeregister(connection, ports)
        except self.binding.libvirtError:
            pass  # it is dead already, or has no close callback
        connection.close()

    def _keep(self) -> None:
        while not self._closing.is_set():
            self._broken.wait()
            try:
                self.connection()
            except HypervisorUnreachable:
                self._closing.wait(_AGAIN)

    def _register(self, connection: Any) -> None:
        names = self.binding
        wanted = (
            (names.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._on_lifecycle),
            (names.VIR_DOMAIN_EVENT_ID_REBOOT, self._on_reboot),
            (names.VIR_DOMAIN_EVENT_ID_TRAY_CHANGE, self._on_tray),
            (names.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, self._on_balloon),
            (names.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, self._on_removed),
        )
        for number, callback in wanted:
            self._try(lambda n=number, c=callback: self._callback(connection, n, c))
        self._try(lambda: self._watch_ports(connection))
        self._try(lambda: connection.setKeepAlive(_ALIVE_EVERY, _ALIVE_MISSES))
        self._try(lambda: connection.registerCloseCallback(self._on_close, None))

    def _callback(self, connection: Any, number: int, callback: Any) -> None:
        self._callbacks.append(connection.domainEventRegisterAny(None, number, callback, None))

    def _watch_ports(self, connection: Any) -> None:
        """Hear of every domain's ports; without libvirt's module for QEMU, a look at the domain tells."""
        try:
            module = import_module("libvirt_qemu")
        except ImportError:
            return
        self._ports = module.qemuMonitorEventRegister(connection, None, PORT_CHANGE, self._on_port, None)

    def _try(self, step: Any) -> None:
        """Do what some hypervisors do not have: Xen lacks most events, an embedded QEMU the keep-alive."""
        try:
            step()
        except self.binding.libvirtError as error:
            if error.get_error_code() != Code.NO_SUPPORT:
                raise

    def _on_close(self, connection: Any, reason: int, opaque: object) -> None:
        del connection, reason, opaque
        if not self._closing.is_set():
            self._dispatcher.put(Event(kind=EventKind.LOST))
            self._broken.set()

    def _on_lifecycle(self, connection: Any, domain: Any, event: int, detail: int, opaque: object) -> None:
        del connection, opaque
        known = lifecycle(event, detail)
        if known is not None:
            self._put(domain, Event(kind=known[0], reason=known[1]))

    def _on_reboot(self, connection: Any, domain: Any, opaque: object) -> None:
        del connection, opaque
        self._put(domain, Event(kind=EventKind.REBOOTED))

    def _on_tray(self, connection: Any, domain: Any, alias: str, reason: int, opaque: object) -> None:
        del connection, reason, opaque
        self._put(domain, Event(kind=EventKind.TRAY, detail=alias))

    def _on_balloon(self, connection: Any, domain: Any, actual: int, opaque: object) -> None:
        del connection, opaque
        self._put(domain, Event(kind=EventKind.MEMORY, detail=str(actual << 10)))

    def _on_removed(self, connection: Any, domain: Any, alias: str, opaque: object) -> None:
        del connection, opaque
        self._put(domain, Event(kind=EventKind.DETACHED, detail=alias))

    def _on_port(
        self,
        connection: Any,
        domain: Any,
        event: str,
        seconds: int,
        micros: int,
        details: str,
        opaque: object,
    ) -> None:
        del connection, event, seconds, micros, opaque
        known = port_change(details)
        if known is not None:
            self._put(domain, Event(kind=known[0], detail=known[1]))

    def _put(self, domain: Any, event: Event) -> None:
        uuid, name = DomainId(domain.UUIDString()), domain.name()
        told = Event(kind=event.kind, domain=uuid, name=name, reason=event.reason, detail=event.detail)
        self._dispatcher.put(told)
