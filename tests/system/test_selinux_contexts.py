"""Our look-up against libselinux's own (matchpathcon), over a policy with the known traps."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from guestwright.guestfs.port import FileKind
from guestwright.seal.selinux.contexts import parse_contexts
from tests.support.tools import needs

POLICY = b"""\
/.* system_u:object_r:default_t:s0
/etc/.* system_u:object_r:etc_t:s0
/etc/hostname -- system_u:object_r:exact_t:s0
/etc/host.* -- system_u:object_r:later_t:s0
/etc/a\\.conf -- system_u:object_r:dot_t:s0
/etc/.*\\.conf -- system_u:object_r:anyconf_t:s0
/usr/(.*/)?bin(/.*)? system_u:object_r:bin_t:s0
/usr/lib/.* system_u:object_r:lib_t:s0
/usr/lib/(.*/)?bin(/.*)? system_u:object_r:bin_t:s0
/usr/lib/systemd/[^/]*generators/[^/]* -- system_u:object_r:unit_t:s0
/root(/.*)? system_u:object_r:home_t:s0
/root/\\.ssh(/.*)? system_u:object_r:ssh_t:s0
/var/x{2,3} -d system_u:object_r:count_t:s0
/tmp/.* <<none>>
/srv/([^w/]|w[^w])* system_u:object_r:odd_t:s0
"""
PATHS = [
    "/",
    "/x",
    "/etc",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/a.conf",
    "/etc/b.conf",
    "/usr/bin/ls",
    "/usr/lib/x",
    "/usr/lib/guestwright/firstboot/bin/run",
    "/usr/lib/systemd/system-generators/a",
    "/root",
    "/root/.ssh",
    "/root/.ssh/authorized_keys",
    "/rooted",
    "/var/xx",
    "/var/xxxx",
    "/tmp/a",
    "/srv/aaw",
    "/srv/awba",
    "/srv/ww",
]
KINDS = {"file": FileKind.FILE, "dir": FileKind.DIRECTORY, "link": FileKind.SYMLINK}


@pytest.mark.system
@needs("matchpathcon")
@pytest.mark.parametrize("kind", KINDS)
def test_agrees_with_libselinux(tmp_path: Path, kind: str) -> None:
    policy = tmp_path / "file_contexts"
    policy.write_bytes(POLICY)
    argv = ["/usr/sbin/matchpathcon", "-N", "-f", str(policy), "-m", kind, *PATHS]
    answer = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30).stdout
    theirs = dict(line.split("\t") for line in answer.splitlines())
    contexts = parse_contexts([POLICY])
    ours = {path: contexts.lookup(path.encode(), KINDS[kind]) for path in PATHS}
    assert {path: (one or b"<<none>>").decode() for path, one in ours.items()} == theirs
