"""System call filters: an allow-list for workers, a deny-list for other people's tools.

Theory of operation: a worker has everything imported, computes in memory and talks on sockets that it
holds; the calls for that are listed in `WORKER` and all others fail with EPERM, so that a library that
probes for something gets an answer. Calls that nothing innocent makes end the process. Tools are not ours,
so for them only what no disk tool needs is refused. Where the architecture is unknown there is no filter,
and `Held.seccomp` says so.
"""

from __future__ import annotations

import ctypes
import os
from typing import Final

from guestwright.confine import libc
from guestwright.confine.bpf import ALLOW, REFUSE, ArgumentTest, Policy, assemble
from guestwright.confine.syscalls import AUDIT_ARCHITECTURE, numbers

_SECCOMP_MODE_FILTER: Final = 2
_AT_EMPTY_PATH: Final = 0x1000
_AF_UNIX: Final = 1

# Talking; memory and locks; time, signals, identity and the end.
_WORKER_CALLS: Final = (
    "read write recvmsg sendmsg recvfrom sendto readv writev pread64 pwrite64 recvmmsg sendmmsg shutdown "
    "poll ppoll select pselect6 epoll_wait epoll_pwait epoll_ctl epoll_create1 getsockopt setsockopt "
    "close close_range dup fcntl fstat lseek fsync fdatasync "
    "brk mmap munmap mremap mprotect madvise futex membarrier set_robust_list rseq restart_syscall "
    "clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time getrandom getrusage times "
    "rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack sched_yield sched_getaffinity getcpu sysinfo "
    "gettid getpid getppid getuid geteuid getgid getegid exit exit_group"
)

_ATTACKS: Final = (
    "ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp bpf perf_event_open "
    "execve execveat mount umount2 pivot_root chroot move_mount open_tree fsopen fsmount fsconfig fspick "
    "mount_setattr unshare setns init_module finit_module delete_module kexec_load kexec_file_load reboot "
    "keyctl add_key request_key userfaultfd io_uring_setup io_uring_enter io_uring_register "
    "open_by_handle_at name_to_handle_at swapon swapoff acct syslog quotactl iopl ioperm"
)

_NOT_FOR_TOOLS: Final = [name for name in _ATTACKS.split() if name not in {"execve", "execveat"}]


def worker_policy(pid: int) -> Policy:
    """What a worker with this process id may call.

    fstat(3) of glibc 2.33 to 2.38 is newfstatat with an empty path, so that one is allowed by its flag. The
    worker may send signals to itself only, so that abort(3) works.
    """
    return Policy(
        allow=_WORKER_CALLS.split(),
        kill=_ATTACKS.split(),
        tests=(
            ArgumentTest(
                call="newfstatat",
                argument=3,
                mask=_AT_EMPTY_PATH,
                value=_AT_EMPTY_PATH,
                action=ALLOW,
                otherwise=REFUSE,
            ),
            ArgumentTest(
                call="tgkill", argument=0, mask=0xFFFFFFFF, value=pid, action=ALLOW, otherwise=REFUSE
            ),
        ),
        default=REFUSE,
    )


def tool_policy(*, network: bool) -> Policy:
    """What a host tool may call; without `network`, its only new sockets are unix sockets."""
    sockets = ArgumentTest(
        call="socket", argument=0, mask=0xFFFFFFFF, value=_AF_UNIX, action=ALLOW, otherwise=REFUSE
    )
    return Policy(refuse=_NOT_FOR_TOOLS, tests=() if network else (sockets,), default=ALLOW)


class _Program(ctypes.Structure):
    """struct sock_fprog of <linux/filter.h>."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install(policy: Policy) -> bool:
    """Put a filter on the calling thread and all it starts. no_new_privs must be set.

    Returns:
        Whether a filter is in force: False on other architectures and on kernels without seccomp.
    """
    machine = os.uname().machine
    table = numbers(machine)
    if not table:
        return False
    code = assemble(policy, table, AUDIT_ARCHITECTURE[machine])
    program = _Program(len(code) // 8, code)
    try:
        libc.prctl(libc.PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program))
    except OSError:
        return False
    return True
