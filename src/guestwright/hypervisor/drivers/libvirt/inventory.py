"""Which domains there are, through libvirt."""

from __future__ import annotations

import threading
from typing import Any, Final

from guestwright.hypervisor.domain import Domain, DomainId
from guestwright.hypervisor.drivers.libvirt.failures import Code
from guestwright.hypervisor.drivers.libvirt.linked import HOST, Linked, wrong_state
from guestwright.hypervisor.drivers.libvirt.writing import write_domain
from guestwright.hypervisor.errors import DomainExists, DomainNotOwned
from guestwright.hypervisor.port import About
from guestwright.hypervisor.spec import DomainSpec

_VALIDATE: Final = 1  # VIR_DOMAIN_DEFINE_VALIDATE: against libvirt's schema
_DEFINING: Final = threading.Lock()  # libvirt redefines a uuid that it knows; look and define are one step


class LibvirtInventory(Linked):
    """Lists, defines and removes."""

    def about(self) -> About:
        """See `port.Inventory`."""
        with self._link.call("asking for the version") as connection:
            number = connection.getVersion()
            _, mebibytes, cpus, *_ = connection.getInfo()
            kind = connection.getType()
            if kind == "Xen":  # all that the hypervisor has; the other call would tell of domain 0, if at all
                memory = int(mebibytes) << 20
            else:  # the present memory: that of `getInfo` misses what was plugged in since the start
                memory = int(connection.getMemoryStats(-1)["total"]) << 10
            return About(
                driver="libvirt",
                uri=self._link.uri,
                kind=kind,
                version=f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}",
                hostname=connection.getHostname(),
                cpus=int(cpus),
                memory=memory,
            )

    def list(self) -> tuple[Domain, ...]:
        """See `port.Inventory`."""
        with self._link.call("listing domains") as connection:
            all_ = connection.listAllDomains()
            found = [self._unless_gone(each) for each in all_ if each.ID() != HOST]
        return tuple(sorted((each for each in found if each is not None), key=lambda one: one.name))

    def get(self, domain: DomainId) -> Domain:
        """See `port.Inventory`."""
        with self._on(domain, "looking") as handle:
            return self._read(handle)

    def defined(self, domain: DomainId) -> Domain:
        """See `port.Inventory`."""
        with self._on(domain, "looking") as handle:
            now = self._read(handle)
            if not now.persistent:
                raise wrong_state(now, "looking at its definition", "defined")
            return self._read(handle, defined=True)

    def define(self, spec: DomainSpec) -> Domain:
        """See `port.Inventory`."""
        text = write_domain(spec)
        with _DEFINING, self._link.call("defining", spec.uuid) as connection:
            for each in connection.listAllDomains():
                if each.UUIDString() == spec.uuid:
                    raise DomainExists(domain=spec.uuid, detail=f"its name is {each.name()}")
                if each.name() == spec.name:
                    raise DomainExists(domain=spec.name, detail=f"its uuid is {each.UUIDString()}")
            return self._read(connection.defineXMLFlags(text, _VALIDATE))

    def undefine(self, domain: DomainId) -> None:
        """See `port.Inventory`."""
        with self._changing(domain, "removing") as handle:
            now = self._read(handle)
            if not now.owned:
                raise DomainNotOwned(domain=domain)
            if now.active:
                raise wrong_state(now, "removing", "off")
            names = self._link.binding
            flags = names.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
            if handle.connect().getType() == "QEMU":
                flags |= (
                    names.VIR_DOMAIN_UNDEFINE_NVRAM
                    | names.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
                    | names.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
                )
            handle.undefineFlags(flags)

    def _unless_gone(self, handle: Any) -> Domain | None:
        """A domain; None when it went away since it was listed."""
        try:
            return self._read(handle)
        except self._link.binding.libvirtError as error:
            if error.get_error_code() == Code.NO_DOMAIN:
                return None
            raise
