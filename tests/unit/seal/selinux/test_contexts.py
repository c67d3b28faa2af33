"""Which context a path gets, by the rules of selabel_file(5)."""

from __future__ import annotations

import pytest

from guestwright.guestfs.port import FileKind
from guestwright.seal.selinux.contexts import literal_start, parse_contexts

POLICY = b"""\
# a comment
/.*\tsystem_u:object_r:default_t:s0
/etc\t-d\tsystem_u:object_r:etc_t:s0
/etc/.*\tsystem_u:object_r:etc_t:s0
/etc/localtime\t-l\tsystem_u:object_r:locale_t:s0
/etc/ssh/ssh_host_.*_key\t--\tsystem_u:object_r:sshd_key_t:s0
/etc/ssh/ssh_host_.*\\.pub\t--\tsystem_u:object_r:etc_t:s0
/etc/shadow.*\t--\tsystem_u:object_r:shadow_t:s0
/etc/hostname\t--\tsystem_u:object_r:hostname_etc_t:s0
/etc/hostname.*\t--\tsystem_u:object_r:late_t:s0
/etc/a\\.conf\t--\tsystem_u:object_r:dot_t:s0
/etc/bad(\tsystem_u:object_r:bad_t:s0
/usr/(.*/)?bin(/.*)?\tsystem_u:object_r:bin_t:s0
/usr/lib/.*\tsystem_u:object_r:lib_t:s0
/usr/lib/(.*/)?bin(/.*)?\tsystem_u:object_r:bin_t:s0
/tmp/.*\t<<none>>
/var/[^/]+x?\t-d\tsystem_u:object_r:var_t:s0
/home/[^/]+/\\.ssh(/.*)?\tunconfined_u:object_r:ssh_home_t:s0
/opt/a|/opt/b\tsystem_u:object_r:opt_t:s0
/proc(/.*)?\tnot a context
/mnt/.*\tbad context$
"""
F, D, L = FileKind.FILE, FileKind.DIRECTORY, FileKind.SYMLINK


@pytest.mark.parametrize(
    ("path", "kind", "wanted"),
    [
        ("/x", F, "default_t"),
        ("/etc", D, "etc_t"),
        ("/etc", F, "default_t"),
        ("/etc/passwd", F, "etc_t"),
        ("/etc/localtime", L, "locale_t"),
        ("/etc/localtime", F, "etc_t"),
        ("/etc/ssh/ssh_host_rsa_key", F, "sshd_key_t"),
        ("/etc/ssh/ssh_host_rsa_key.pub", F, "etc_t"),
        ("/etc/shadow-", F, "shadow_t"),
        ("/etc/hostname", F, "hostname_etc_t"),
        ("/etc/hostname.old", F, "late_t"),
        ("/etc/a.conf", F, "dot_t"),
        ("/etc/axconf", F, "etc_t"),
        ("/usr/lib/guestwright/firstboot/bin/run", F, "bin_t"),
        ("/usr/lib/x.so", F, "lib_t"),
        ("/lib/x.so", F, "lib_t"),
        ("/tmp/x", F, None),
        ("/var/log", D, "var_t"),
        ("/home/eve/.ssh/authorized_keys", F, "ssh_home_t"),
        ("/opt/a", F, "opt_t"),
        ("/opt/b", F, "opt_t"),
        ("/srv/y", F, "local_t"),
        ("/proc/x", F, "default_t"),
        ("/new\nline", F, "default_t"),
    ],
    ids=lambda value: str(value)[-24:].replace("\n", "N"),
)
def test_lookup(path: str, kind: FileKind, wanted: str | None) -> None:
    local = b"/srv(/.*)?\tsystem_u:object_r:local_t:s0\n"
    contexts = parse_contexts([POLICY, b"", local], [b"", b"/lib /usr/lib\n/ /broken x\n"])
    found = contexts.lookup(path.encode(), kind)
    assert (found.split(b":")[2].decode() if found else None) == wanted


def test_an_entry_that_cannot_be_used_is_skipped_and_named() -> None:
    contexts = parse_contexts([b"/etc/.* a:b:c_t:s0\n/etc/(?>x) a:b:d_t:s0\n"])
    assert contexts.lookup(b"/etc/x", F) == b"a:b:c_t:s0"
    assert contexts.skipped == [b"/etc/(?>x)"]


@pytest.mark.parametrize("context", [b"a:b", b"a:b:c:s0;reboot", b"x" * 300 + b":b:c:s0", b"a:b:c\xff"])
def test_a_context_that_is_none_is_not_used(context: bytes) -> None:
    assert parse_contexts([b"/etc/.* " + context + b"\n"]).lookup(b"/etc/x", F) is None


def test_substitution_takes_the_longest_and_both_tables() -> None:
    policy = b"/var/run/x a:b:run_t:s0\n/var/lock/x a:b:lock_t:s0\n/deep/x a:b:deep_t:s0\n"
    contexts = parse_contexts([policy], [b"/alias /run\n", b"/run /var/run\n/run/lock /var/lock\n"])
    assert contexts.lookup(b"/run/x", F) == b"a:b:run_t:s0"
    assert contexts.lookup(b"/run/lock/x", F) == b"a:b:lock_t:s0"
    assert contexts.lookup(b"/alias/x", F) == b"a:b:run_t:s0"
    assert contexts.lookup(b"/running/x", F) is None


@pytest.mark.parametrize(
    ("pattern", "start"),
    [(b"/etc/x", b"/etc/x"), (b"/etc/x?", b"/etc/"), (b"/a(b|c)", b"/a"), (b"/a|/b", b""),
     (b"/a[|]b", b"/a"), (b"/a\\|b", b"/a"), (b".*", b""), (b"x*", b""), (b"", b"")],
)  # fmt: skip
def test_literal_start(pattern: bytes, start: bytes) -> None:
    assert literal_start(pattern) == start
