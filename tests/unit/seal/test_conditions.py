"""Which guests an operation is for."""

from __future__ import annotations

import pytest

from guestwright.guestfs.port import Filesystem
from guestwright.seal import conditions
from guestwright.seal.operation import Condition
from tests.support.sealing import SYSTEMS, make_guest

ROWS: list[tuple[Condition, set[str]]] = [
    (conditions.always, set(SYSTEMS)),
    (conditions.linux, set(SYSTEMS) - {"windows", "freebsd"}),
    (conditions.unix, set(SYSTEMS) - {"windows"}),
    (conditions.family("rhel"), {"rhel", "rocky", "centos7"}),
    (conditions.family("rhel", "debian"), {"rhel", "rocky", "centos7", "debian", "devuan"}),
    (conditions.package_manager("yum"), {"centos7"}),
    (conditions.package_manager("apt", "apk"), {"debian", "devuan", "alpine"}),
    (conditions.package_format("rpm"), {"rhel", "rocky", "centos7", "suse"}),
    (conditions.has_lvm, set()),
]


@pytest.mark.parametrize(("condition", "systems"), ROWS)
def test_applies_to(condition: Condition, systems: set[str]) -> None:
    answers = {name: condition(make_guest({}, system=name)) for name in SYSTEMS}
    assert {name for name, why in answers.items() if not why} == systems
    assert all(not why.endswith(".") for why in answers.values())


def test_lvm_on_linux_only() -> None:
    volume = (Filesystem(id="lvm:vg/root", type="xfs", size=1),)
    assert conditions.has_lvm(make_guest({}, other=volume)) == ""
    assert conditions.has_lvm(make_guest({}, other=volume, system="freebsd"))
