"""What others than our agent say of a guest, through libvirt.

Theory of operation: libvirt first waits 5 s for qemu-ga to answer to anything (`guest-sync`), and then for
ever for each answer, unless somebody has set a limit for this domain (virDomainAgentSetResponseTimeout). That
limit is not ours to set: it would end a long freeze that a backup asked for. So a call may not come back, and
whoever asks has a thread to spare. Each question is one command, since guests offer different ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.drivers.libvirt.failures import Code
from guestwright.hypervisor.drivers.libvirt.linked import Linked
from guestwright.hypervisor.statement import SeenCard, Statement, Witness

# Numbers: libvirt-domain.h, virDomainInterfaceAddressesSource and virDomainGuestInfoTypes.
_SOURCES: Final = {Witness.LEASES: 0, Witness.GUEST_AGENT: 1, Witness.NEIGHBOURS: 2}
_OS, _HOSTNAME = 1 << 1, 1 << 3
# No agent runs, or there is no port for one, or no run: each further question would only fill libvirt's log.
_SILENT: Final = frozenset({Code.AGENT_UNRESPONSIVE, Code.ARGUMENT_UNSUPPORTED, Code.OPERATION_INVALID})
Answer = Mapping[str, Any] | None
Question = Callable[[], Mapping[str, Any]]


class LibvirtWitnesses(Linked):
    """Asks them."""

    def statement(self, domain: DomainId, witness: Witness) -> Statement | None:
        """See `port.Witnesses`."""
        with self._on(domain, f"asking {witness}") as handle:
            questions: tuple[Question, ...] = (lambda: handle.interfaceAddresses(_SOURCES[witness]),)
            if witness is Witness.GUEST_AGENT:
                questions += (lambda: handle.guestInfo(_HOSTNAME), lambda: handle.guestInfo(_OS))
            answers = self._answers(handle, questions)
        if all(one is None for one in answers):
            return None
        cards, name, system = (*answers, None, None)[:3]
        return Statement(
            hostname=_text(name or {}, "hostname"),
            system=_text(system or {}, "os.pretty-name"),
            cards=_cards(cards or {}),
        )

    def _answers(self, handle: Any, questions: Iterable[Question]) -> list[Answer]:
        """Each answer; None where nobody can give one: no agent, not that command, nonsense."""
        found: list[Answer] = []
        for ask in questions:
            try:
                found.append(ask())
            except self._link.binding.libvirtError as error:
                if error.get_error_code() == Code.NO_DOMAIN or not handle.connect().isAlive():
                    raise
                found.append(None)
                if error.get_error_code() in _SILENT:
                    break
        return found


def _cards(found: Mapping[str, Any]) -> tuple[SeenCard, ...]:
    cards = []
    for one in found.values():
        addresses = tuple(_text(each, "addr") for each in one.get("addrs") or ())
        cards.append(SeenCard(mac=_text(one, "hwaddr"), addresses=addresses))
    return tuple(cards)


def _text(values: Mapping[str, Any], name: str) -> str:
    found = values.get(name)
    return found if isinstance(found, str) else ""
