"""An assembler for seccomp filters: a policy of system calls in, classic BPF instructions out. Pure.

Facts: seccomp(2); Linux, Documentation/userspace-api/seccomp_filter.rst; <linux/filter.h>. The program sees
`struct seccomp_data`: number at 0, architecture at 4, six 64-bit arguments from 16 on.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

KILL_PROCESS: Final = 0x80000000
RETURN_ERRNO: Final = 0x00050000
ALLOW: Final = 0x7FFF0000
REFUSE: Final = RETURN_ERRNO | errno.EPERM

_LOAD_WORD: Final = 0x20
_AND: Final = 0x54
_JUMP_EQUAL: Final = 0x15
_JUMP_GREATER_EQUAL: Final = 0x35
_RETURN: Final = 0x06
_AT_NUMBER: Final = 0
_AT_ARCHITECTURE: Final = 4
_AT_ARGUMENTS: Final = 16
_X32_BIT: Final = 0x40000000  # <asm/unistd.h>: x86-64 calls of the x32 kind carry it


class ArgumentTest(NamedTuple):
    """A call that is decided by one argument: `action` when `low word & mask == value`, else `otherwise`."""

    call: str
    argument: int
    mask: int
    value: int
    action: int
    otherwise: int


class Policy(NamedTuple):
    """What happens to each system call; the first that names it decides.

    Attributes:
        default: the action for all calls that are not named.
        allow, refuse, kill: names of calls. Names that an architecture lacks are passed over.
        tests: calls that depend on an argument.
    """

    default: int
    allow: Collection[str] = ()
    refuse: Collection[str] = ()
    kill: Collection[str] = ()
    tests: Sequence[ArgumentTest] = ()


def assemble(policy: Policy, numbers: Mapping[str, int], audit_architecture: int) -> bytes:
    """Translate a policy for one architecture.

    Args:
        policy: see `Policy`.
        numbers: system call numbers by name.
        audit_architecture: AUDIT_ARCH_… of <linux/audit.h>; a call of any other kind kills the process.

    Returns:
        Instructions of 8 bytes each (`struct sock_filter`).
    """
    code = [
        _instruction(_LOAD_WORD, _AT_ARCHITECTURE),
        _instruction(_JUMP_EQUAL, audit_architecture, 1, 0),
        _instruction(_RETURN, KILL_PROCESS),
        _instruction(_LOAD_WORD, _AT_NUMBER),
        _instruction(_JUMP_GREATER_EQUAL, _X32_BIT, 0, 1),
        _instruction(_RETURN, KILL_PROCESS),
    ]
    for test in policy.tests:
        if test.call in numbers:
            code += _argument_test(test, numbers[test.call])
    for names, action in ((policy.allow, ALLOW), (policy.refuse, REFUSE), (policy.kill, KILL_PROCESS)):
        for name in names:
            if name in numbers:
                code.append(_instruction(_JUMP_EQUAL, numbers[name], 0, 1))
                code.append(_instruction(_RETURN, action))
    code.append(_instruction(_RETURN, policy.default))
    return b"".join(code)


def _argument_test(test: ArgumentTest, number: int) -> list[bytes]:
    return [
        _instruction(_JUMP_EQUAL, number, 0, 5),
        _instruction(_LOAD_WORD, _AT_ARGUMENTS + 8 * test.argument),  # low word: both architectures are LE
        _instruction(_AND, test.mask),
        _instruction(_JUMP_EQUAL, test.value, 0, 1),
        _instruction(_RETURN, test.action),
        _instruction(_RETURN, test.otherwise),
    ]


def _instruction(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, operand)
