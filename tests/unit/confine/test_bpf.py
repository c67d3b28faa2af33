"""The assembler, judged by an interpreter of classic BPF written from <linux/filter.h> for this test."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.confine.bpf import ALLOW, KILL_PROCESS, REFUSE, ArgumentTest, Policy, assemble
from guestwright.confine.seccomp import tool_policy, worker_policy
from guestwright.confine.syscalls import AUDIT_ARCHITECTURE, numbers

ARCHITECTURE = 0xC000003E
NUMBERS = {"read": 0, "write": 1, "stat": 4, "ptrace": 101}


def interpret(
    code: bytes, number: int, architecture: int = ARCHITECTURE, arguments: tuple[int, ...] = ()
) -> int:
    words = (*arguments, *[0] * (6 - len(arguments)))
    data = struct.pack("=IIQ6Q", number, architecture, 0, *words)
    at, accumulator = 0, 0
    while True:
        operation, if_true, if_false, k = struct.unpack_from("=HBBI", code, at * 8)
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, k)
        elif operation == 0x54:
            accumulator &= k
        elif operation == 0x15:
            at += if_true if accumulator == k else if_false
        elif operation == 0x35:
            at += if_true if accumulator >= k else if_false
        elif operation == 0x06:
            return int(k)
        else:
            raise AssertionError(hex(operation))


POLICY = Policy(
    allow=["read", "no-such-call"],
    refuse=["write"],
    kill=["ptrace"],
    tests=[ArgumentTest(call="stat", argument=2, mask=0xF0, value=0x10, action=ALLOW, otherwise=REFUSE)],
    default=REFUSE,
)


@pytest.mark.parametrize(
    ("number", "arguments", "expected"),
    [
        pytest.param(0, (), ALLOW, id="allowed"),
        pytest.param(1, (), REFUSE, id="refused"),
        pytest.param(101, (), KILL_PROCESS, id="killed"),
        pytest.param(77, (), REFUSE, id="default"),
        pytest.param(4, (0, 0, 0x15), ALLOW, id="argument fits"),
        pytest.param(4, (0, 0, 0x25), REFUSE, id="argument does not fit"),
        pytest.param(4, (0x10, 0x10, 0), REFUSE, id="another argument"),
        pytest.param(0x40000000, (), KILL_PROCESS, id="x32"),
    ],
)
def test_policy_decides(number: int, arguments: tuple[int, ...], expected: int) -> None:
    assert interpret(assemble(POLICY, NUMBERS, ARCHITECTURE), number, arguments=arguments) == expected


def test_a_foreign_architecture_is_killed() -> None:
    assert interpret(assemble(POLICY, NUMBERS, ARCHITECTURE), 0, architecture=0x40000003) == KILL_PROCESS


@given(st.integers(0, 0x3FFFFFFF))
def test_every_other_number_gets_the_default(number: int) -> None:
    if number not in NUMBERS.values():
        assert interpret(assemble(POLICY, NUMBERS, ARCHITECTURE), number) == REFUSE


@pytest.mark.parametrize("machine", sorted(AUDIT_ARCHITECTURE))
def test_worker_may_talk_but_not_open(machine: str) -> None:
    table = numbers(machine)
    architecture = AUDIT_ARCHITECTURE[machine]
    code = assemble(worker_policy(1234), table, architecture)
    assert len(code) // 8 < 4096  # BPF_MAXINSNS
    verdicts = {name: interpret(code, table[name], architecture) for name in table}
    assert verdicts["read"] == verdicts["sendmsg"] == verdicts["mmap"] == ALLOW
    assert verdicts["ptrace"] == verdicts["execve"] == verdicts["mount"] == KILL_PROCESS
    assert verdicts["socket"] == REFUSE
    assert interpret(code, table["tgkill"], architecture, (1234,)) == ALLOW
    assert interpret(code, table["tgkill"], architecture, (1,)) == REFUSE
    assert interpret(code, table["newfstatat"], architecture, (3, 0, 0, 0x1000)) == ALLOW
    assert interpret(code, table["newfstatat"], architecture, (3, 0, 0, 0)) == REFUSE


@pytest.mark.parametrize("machine", sorted(AUDIT_ARCHITECTURE))
@pytest.mark.parametrize(("network", "inet"), [(False, REFUSE), (True, ALLOW)], ids=["without", "with"])
def test_tools_may_exec_but_not_mount(machine: str, network: bool, inet: int) -> None:
    table = numbers(machine)
    architecture = AUDIT_ARCHITECTURE[machine]
    code = assemble(tool_policy(network=network), table, architecture)
    assert interpret(code, table["execve"], architecture) == ALLOW
    assert interpret(code, table["mount"], architecture) == REFUSE
    assert interpret(code, table["socket"], architecture, (1,)) == ALLOW
    assert interpret(code, table["socket"], architecture, (2,)) == inet


def test_unknown_machine_has_no_numbers() -> None:
    assert numbers("s390x") == {}


@pytest.mark.parametrize("machine", sorted(AUDIT_ARCHITECTURE))
def test_numbers_are_distinct(machine: str) -> None:
    table = numbers(machine)
    assert len(set(table.values())) == len(table)
