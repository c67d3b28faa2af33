"""What jobs of the engine ask of hosts, over the client of their services: `templates.host_port.HostPort`.

    hosts = ClientHosts(HostAddresses(database, identities), payloads.for_host)

Theory of operation: what changes volumes and domains is a job of the host (`orders`); payloads are given by
one request, as a host keeps the parameters of its jobs and shows them. Both say whose order they are.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

from guestwright.engine.hosts.errors import HostOrderImpossible
from guestwright.engine.hosts.lines import SECONDS, Addresses, Lines
from guestwright.engine.hosts.orders import Json, Orders, later, said, unless
from guestwright.engine.payloads.payloads import Contents
from guestwright.engine.templates.host_port import Order, Place, Standing, Told
from guestwright.host.client.client import HostClient

_FORMAT: Final = "qcow2"  # only that can stand on something
_META_DATA: Final = "meta-data"
_HOST_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # a label of RFC 1123, section 2.1


class ClientHosts:
    """`HostPort` over the services of hosts; see there for each call. For any thread.

    Args:
        address: the address of a host's service by the host's id; see `addresses`.
        contents: of a payload by its id: `Payloads.for_host`.
        seconds: to wait for an answer.
    """

    def __init__(
        self,
        address: Addresses,
        contents: Callable[[str], Contents],
        *,
        seconds: float = SECONDS,
    ) -> None:
        self._lines = Lines(address, seconds)
        self._orders = Orders(self._lines)
        self._contents = contents

    @property
    def orders(self) -> Orders:
        """What has hosts do jobs, for other kinds of work than templates and machines."""
        return self._orders

    def close(self) -> None:
        """Let go of the hosts; orders under way come to their end."""
        self._lines.close()

    def copy(self, order: Order, source: Place, target: Place, standing: Standing, told: Told) -> None:
        """See `HostPort`."""
        if source.host != target.host:
            raise HostOrderImpossible(what="a copy", problem=f"{source.host} is not {target.host}")
        wanted = {
            "source_domain": source.domain,
            "source": source.volume,
            **_made(target, standing),
            "kind": "shared" if standing is Standing.SHARED else "leaf",
        }
        self._orders.job(target.host, order, "volume.copy", wanted, told)

    def layer(self, order: Order, base: Place, target: Place, standing: Standing) -> None:
        """See `HostPort`."""
        if (base.host, base.domain) != (target.host, target.domain):
            problem = f"{base.domain} on {base.host} is not {target.domain} on {target.host}"
            raise HostOrderImpossible(what="a thin copy", problem=problem)
        if standing is Standing.SHARED:
            raise HostOrderImpossible(what="a thin copy", problem="what others stand on must be whole")
        wanted = {**_made(target, standing), "format": _FORMAT, "parent": base.volume}
        self._orders.job(target.host, order, "volume.create", wanted)

    def mark(self, order: Order, volume: Place, standing: Standing) -> None:
        """See `HostPort`."""
        wanted = {**_at(volume), "standing": str(standing)}
        gone = ("volume-not-found",) if standing is Standing.ILLEGAL else ()
        with unless(*gone), later(order, "volume-held"):
            self._orders.job(volume.host, order, "volume.mark", wanted)

    def seal(self, order: Order, volumes: Sequence[Place], told: Told) -> Mapping[str, Any]:
        """See `HostPort`."""
        if not volumes:
            return {}
        first = volumes[0]
        if any((one.host, one.domain) != (first.host, first.domain) for one in volumes):
            raise HostOrderImpossible(what="sealing", problem="the disks are not in one storage domain")
        wanted = {
            "domain": first.domain,
            "volumes": [one.volume for one in volumes],
            "shared": False,
            "legal": False,
        }
        found: Json = self._orders.job(first.host, order, "volume.seal", wanted, told)
        return found

    def checksum(self, order: Order, volume: Place, told: Told) -> str:
        """See `HostPort`."""
        with later(order, "volume-held"):
            found: Json = self._orders.job(volume.host, order, "volume.checksum", _at(volume), told)
        return str(found["sha256"])

    def delete(self, order: Order, volume: Place) -> None:
        """See `HostPort`."""
        with later(order, "volume-held"):
            self._orders.job(volume.host, order, "volume.delete", _at(volume))

    def define(self, order: Order, host: str, vm: str, description: Mapping[str, Any]) -> None:
        """See `HostPort`."""
        self._orders.job(host, order, "domain.define", {**description, "uuid": vm})

    def undefine(self, order: Order, host: str, vm: str) -> None:
        """See `HostPort`."""
        self._orders.job(host, order, "domain.undefine", {"uuid": vm})

    def give_payload(self, order: Order, host: str, vm: str, payload: str, *, run_once: bool) -> None:
        """See `HostPort`."""
        contents = self._contents(payload)
        with self._orders.to(host, order) as client:
            body = _payload(client, vm, contents)
            client.ask("PUT", _payload_path(vm, order, run_once=run_once), body)

    def take_payload(self, order: Order, host: str, vm: str, payload: str, *, run_once: bool) -> None:
        """See `HostPort`."""
        del payload  # a machine has one of each persistence
        gone = ("domain-not-found", "host-payload-not-found")
        with unless(*gone), self._orders.to(host, order) as client:
            client.ask("DELETE", _payload_path(vm, order, run_once=run_once, force="true"))


def _at(place: Place) -> Json:
    return {"domain": place.domain, "volume": place.volume}


def _made(target: Place, standing: Standing) -> Json:
    """How a new volume shall be: one that is to be sealed is illegal as soon as it is whole."""
    return {**_at(target), "seal": standing is Standing.ILLEGAL}


def _payload_path(vm: str, order: Order, *, run_once: bool, **more: str) -> str:
    persistence = "run-once" if run_once else "permanent"
    query = {**said(order), "undo": "true" if order.undo else "false", **more}
    return f"/v1/domains/{quote(vm, safe='')}/payloads/{persistence}?{urlencode(query)}"


def _payload(client: HostClient, vm: str, contents: Contents) -> Json:
    """What a host is given; a cloud-init seed without meta-data gets the machine's own."""
    version = contents.version
    files = {name: base64.b64encode(data).decode() for name, data in contents.files.items()}
    body: Json = {"form": version.form, "files": files}
    if version.form == "files":
        body["label"] = version.label
    if version.form == "nocloud" and _META_DATA not in files:
        name = client.ask("GET", f"/v1/domains/{quote(vm, safe='')}")["domain"]["name"]
        body["instance_id"] = vm
        body["hostname"] = name if _HOST_NAME.fullmatch(name) else ""
    return body
