"""Numbers of the system calls that our filters name, for the two architectures that we know.

Source: Linux, arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h (aarch64). The
numbers are kernel ABI and never change.
"""

from __future__ import annotations

from typing import Final

AUDIT_ARCHITECTURE: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # <linux/audit.h>

_X86_64: Final = """
read 0 write 1 recvmsg 47 sendmsg 46 recvfrom 45 sendto 44 readv 19 writev 20 pread64 17 pwrite64 18
recvmmsg 299 sendmmsg 307 shutdown 48 poll 7 ppoll 271 select 23 pselect6 270 epoll_wait 232
epoll_pwait 281 epoll_ctl 233 epoll_create1 291 getsockopt 55 setsockopt 54 close 3 close_range 436
dup 32 fcntl 72 fstat 5 lseek 8 fsync 74 fdatasync 75 brk 12 mmap 9 munmap 11 mremap 25 mprotect 10
madvise 28 futex 202 membarrier 324 set_robust_list 273 rseq 334 restart_syscall 219 clock_gettime
228 clock_getres 229 clock_nanosleep 230 nanosleep 35 gettimeofday 96 time 201 getrandom 318
getrusage 98 times 100 rt_sigaction 13 rt_sigprocmask 14 rt_sigreturn 15 sigaltstack 131 sched_yield
24 sched_getaffinity 204 getcpu 309 sysinfo 99 gettid 186 getpid 39 getppid 110 getuid 102 geteuid
107 getgid 104 getegid 108 exit 60 exit_group 231 ptrace 101 process_vm_readv 310 process_vm_writev
311 process_madvise 440 pidfd_getfd 438 kcmp 312 bpf 321 perf_event_open 298 execve 59 execveat 322
mount 165 umount2 166 pivot_root 155 chroot 161 move_mount 429 open_tree 428 fsopen 430 fsmount 432
fsconfig 431 fspick 433 mount_setattr 442 unshare 272 setns 308 init_module 175 finit_module 313
delete_module 176 kexec_load 246 kexec_file_load 320 reboot 169 keyctl 250 add_key 248 request_key
249 userfaultfd 323 io_uring_setup 425 io_uring_enter 426 io_uring_register 427 open_by_handle_at
304 name_to_handle_at 303 swapon 167 swapoff 168 acct 163 syslog 103 quotactl 179 iopl 172 ioperm
173 newfstatat 262 tgkill 234 socket 41
"""

_AARCH64: Final = """
read 63 write 64 recvmsg 212 sendmsg 211 recvfrom 207 sendto 206 readv 65 writev 66 pread64 67
pwrite64 68 recvmmsg 243 sendmmsg 269 shutdown 210 ppoll 73 pselect6 72 epoll_pwait 22 epoll_ctl 21
epoll_create1 20 getsockopt 209 setsockopt 208 close 57 close_range 436 dup 23 fcntl 25 fstat 80
lseek 62 fsync 82 fdatasync 83 brk 214 mmap 222 munmap 215 mremap 216 mprotect 226 madvise 233 futex
98 membarrier 283 set_robust_list 99 rseq 293 restart_syscall 128 clock_gettime 113 clock_getres 114
clock_nanosleep 115 nanosleep 101 gettimeofday 169 getrandom 278 getrusage 165 times 153
rt_sigaction 134 rt_sigprocmask 135 rt_sigreturn 139 sigaltstack 132 sched_yield 124
sched_getaffinity 123 getcpu 168 sysinfo 179 gettid 178 getpid 172 getppid 173 getuid 174 geteuid
175 getgid 176 getegid 177 exit 93 exit_group 94 ptrace 117 process_vm_readv 270 process_vm_writev
271 process_madvise 440 pidfd_getfd 438 kcmp 272 bpf 280 perf_event_open 241 execve 221 execveat 281
mount 40 umount2 39 pivot_root 41 chroot 51 move_mount 429 open_tree 428 fsopen 430 fsmount 432
fsconfig 431 fspick 433 mount_setattr 442 unshare 97 setns 268 init_module 105 finit_module 273
delete_module 106 kexec_load 104 kexec_file_load 294 reboot 142 keyctl 219 add_key 217 request_key
218 userfaultfd 282 io_uring_setup 425 io_uring_enter 426 io_uring_register 427 name_to_handle_at 264
open_by_handle_at 265 swapon 224 swapoff
225 acct 89 syslog 116 quotactl 60 newfstatat 79 tgkill 131 socket 198
"""


def numbers(machine: str) -> dict[str, int]:
    """Numbers by name for `os.uname().machine`; empty when the architecture is not one of ours."""
    words = {"x86_64": _X86_64, "aarch64": _AARCH64}.get(machine, "").split()
    return dict(zip(words[::2], map(int, words[1::2]), strict=True))
