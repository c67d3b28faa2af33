"""Choosing operations: virt-sysprep's grammar, and errors that help."""

from __future__ import annotations

import pytest

from guestwright.base.errors import UsageError
from guestwright.base.record import replace
from guestwright.seal import conditions
from guestwright.seal.changes import Severity
from guestwright.seal.errors import UnknownOperation
from guestwright.seal.operation import Operation
from guestwright.seal.registry import OPERATIONS, bake, by_name, check_options, select


def operation(
    name: str, *, default: bool = True, order: int = 0, options: dict[str, str] | None = None
) -> Operation:
    return Operation(
        name=name,
        summary="Do it",
        severity=Severity.INFO,
        plan=lambda guest, options: (),
        applies=conditions.always,
        default=default,
        order=order,
        source="here",
        options=options or {},
    )


FOUR = bake(
    [
        operation("late", order=9),
        operation("b"),
        operation("a", options={"o": "x"}),
        operation("off", default=False),
    ]
)


@pytest.mark.parametrize(
    ("enable", "disable", "operations", "chosen"),
    [
        (None, (), (), "a b late"),
        (None, ("b",), (), "a late"),
        (["off,a"], (), (), "a off"),
        (["off", "a"], ("a",), (), "off"),
        (None, (), ("b",), "b"),
        (None, (), ("defaults",), "a b late"),
        (None, (), ("defaults,-late,off",), "a b off"),
        (None, (), ("defaults", "-late", "off"), "a b off"),
        (None, (), ("-b,all",), "a b off late"),
        (None, (), ("all,-defaults",), "off"),
        (None, (), ("all,-all,b",), "b"),
        (None, (), ("all, -all , b ,",), "b"),
    ],
)
def test_select(
    enable: list[str] | None, disable: tuple[str, ...], operations: tuple[str, ...], chosen: str
) -> None:
    found = select(enable, disable, operations, among=FOUR)
    assert [one.name for one in found] == chosen.split()


@pytest.mark.parametrize(
    ("enable", "disable", "operations", "problem"),
    [
        ([""], (), (), "--enable needs"),
        ([], (), (), "--enable needs"),
        (["a"], (), ("b",), "exclude each other"),
        (["nothing"], (), (), "unknown operation nothing"),
        (None, ("of",), (), "unknown operation of"),
        (None, (), ("-nothing",), "unknown operation nothing"),
    ],
)
def test_refused(
    enable: list[str] | None, disable: tuple[str, ...], operations: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        select(enable, disable, operations, among=FOUR)


def test_close_names_are_named() -> None:
    with pytest.raises(UnknownOperation) as caught:
        by_name("ssh-hostkey")
    assert "ssh-hostkeys" in caught.value.advice
    with pytest.raises(UnknownOperation) as caught:
        by_name("zzzzz")
    assert "lists them" in caught.value.advice


def test_options_of_operations_that_do_not_run() -> None:
    check_options(["o"], FOUR, among=FOUR)
    with pytest.raises(UsageError, match="option o belongs to a, which would not run"):
        check_options(["o"], select(["b"], among=FOUR), among=FOUR)
    with pytest.raises(UsageError, match="no operation has an option oo; did you mean o"):
        check_options(["oo"], FOUR, among=FOUR)
    with pytest.raises(UsageError, match="remove-user-accounts belongs to user-account"):
        check_options(["remove-user-accounts"], select())


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (operation("A"), "not a name"),
        (operation(""), "not a name"),
        (operation("all"), "not a name"),
        (operation("-a"), "not a name"),
        (operation("a"), "there twice"),
        (replace(operation("x"), summary="Do it."), "no full stop"),
        (replace(operation("x"), summary=""), "needs a source"),
        (replace(operation("x"), source=""), "needs a source"),
        (operation("x", options={"o": "another"}), "means something else"),
    ],
)
def test_bake_refuses(bad: Operation, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        bake([*FOUR, bad])


UPSTREAM = """abrt-data backup-files bash-history blkid-tab ca-certificates crash-data cron-spool
customize dhcp-client-state dhcp-server-state dovecot-data firewall-rules
flag-reconfiguration fs-uuids ipa-client kerberos-data kerberos-hostkeytab logfiles
lvm-system-devices lvm-uuids machine-id mail-spool net-hostname net-hwaddr net-nmconn
pacct-log package-manager-cache pam-data passwd-backups puppet-data-log
rh-subscription-manager rhn-systemid rpm-db samba-db-log script smolt-uuid ssh-hostkeys
ssh-userdir sssd-db-log tmp-files udev-persistent-net user-account utmp yum-uuid
zsh-history"""
UPSTREAM_OFF = "ca-certificates firewall-rules flag-reconfiguration fs-uuids kerberos-data user-account"


def test_all_of_virt_sysprep_with_its_defaults() -> None:
    ours = {one.name: one for one in OPERATIONS if one.parity}
    assert set(ours) == set(UPSTREAM.split())
    assert {name for name, one in ours.items() if not one.default} == set(UPSTREAM_OFF.split())
    assert {name for name, one in ours.items() if one.order == 99} == {"customize", "lvm-uuids"}


def test_sorted_as_they_run() -> None:
    assert list(OPERATIONS) == sorted(OPERATIONS, key=lambda one: (one.order, one.name))
