"""What others say of a guest: the same on every hypervisor."""

from __future__ import annotations

import pytest

from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.errors import DomainNotFound
from guestwright.hypervisor.statement import Statement, Witness
from tests.support.hypervisors import Bench


def test_nobody_speaks_of_a_domain_that_does_not_run(bench: Bench) -> None:
    domain = bench.define()
    assert {bench.hypervisor.statement(domain, one) for one in Witness} == {None}


def test_a_domain_without_agent_and_cards(bench: Bench) -> None:
    domain = bench.start()
    assert bench.hypervisor.statement(domain, Witness.GUEST_AGENT) is None
    assert bench.hypervisor.statement(domain, Witness.LEASES) == Statement()
    neighbours = bench.hypervisor.statement(domain, Witness.NEIGHBOURS)
    assert neighbours in (Statement(), None)  # libvirt 9.0 cannot read the table of newer kernels


def test_an_agent_that_nobody_plays(bench: Bench) -> None:
    domain = bench.start(channels=(bench.channel("org.qemu.guest_agent.0"),))
    assert bench.hypervisor.statement(domain, Witness.GUEST_AGENT) is None


def test_a_domain_that_is_not_there(bench: Bench) -> None:
    with pytest.raises(DomainNotFound):
        bench.hypervisor.statement(DomainId("0c6f5c5e-7a3a-4a43-9e0e-2f1f3f3d9a01"), Witness.LEASES)
