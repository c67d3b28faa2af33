"""The labeller over a guest's files."""

from __future__ import annotations

import pytest

from guestwright.guestfs.drivers.memory import Directory, File, Link, memory_guest
from guestwright.guestfs.port import FileKind
from guestwright.seal.guest import Guest, OperatingSystem, SELinux
from guestwright.seal.selinux.labels import label_for, labeller

POLICY = "/etc/selinux/targeted/contexts/files/file_contexts"
TEXT = """\
/.* u:object_r:default_t:s0
/usr/lib/.* u:object_r:lib_t:s0
/etc/.* u:object_r:etc_t:s0
/tmp/.* <<none>>
"""


def _guest(*, policy: str = "targeted", text: str | None = TEXT, in_use: bool = True) -> Guest:
    files: dict[str, object] = {
        "/usr/lib/": None,
        "/lib": Link("usr/lib"),
        "/tmp": Directory(xattrs={"security.selinux": b"u:object_r:tmp_t:s0\0"}),
        "/bare/": None,
    }
    if text is not None:
        files[POLICY] = File(text)
        files[f"{POLICY}.homedirs"] = "/home/[^/]+ -d u:object_r:home_t:s0\n"
        files[f"{POLICY}.subs_dist"] = "/etc/systemd/system /usr/lib/systemd/system\n"
    fs = memory_guest(files)  # type: ignore[arg-type]  # built from a wider dictionary on purpose
    return Guest(fs=fs, os=OperatingSystem(), selinux=SELinux(in_use=in_use, mode="enforcing", policy=policy))


@pytest.mark.parametrize(
    ("path", "kind", "wanted"),
    [
        ("/etc/x", FileKind.FILE, b"u:object_r:etc_t:s0\0"),
        ("/lib/x", FileKind.FILE, b"u:object_r:lib_t:s0\0"),
        ("/home/eve", FileKind.DIRECTORY, b"u:object_r:home_t:s0\0"),
        ("/etc/systemd/system/a.service", FileKind.FILE, b"u:object_r:lib_t:s0\0"),
        ("/tmp/x", FileKind.FILE, b"u:object_r:tmp_t:s0\0"),
        ("/missing/x", FileKind.FILE, b"u:object_r:default_t:s0\0"),
    ],
)
def test_label(path: str, kind: FileKind, wanted: bytes) -> None:
    assert labeller(_guest())(path, kind) == wanted


def test_without_a_policy_there_is_no_answer() -> None:
    assert labeller(_guest(text=None))("/etc/x", FileKind.FILE) is None


def test_a_policy_name_that_is_a_path_is_not_followed() -> None:
    assert labeller(_guest(policy="../../etc"))("/etc/x", FileKind.FILE) == b"u:object_r:etc_t:s0\0"


def test_a_directory_without_a_context_gives_none() -> None:
    guest = _guest(text="/tmp/.* <<none>>\n")
    assert labeller(guest)("/bare/x", FileKind.FILE) is None


def test_label_for() -> None:
    assert label_for(_guest(), "/etc/x", FileKind.FILE) == "u:object_r:etc_t:s0"
    assert label_for(_guest(in_use=False), "/etc/x", FileKind.FILE) is None


def test_skipped_expressions_are_named() -> None:
    ask = labeller(_guest(text="/etc/(?>x) u:object_r:etc_t:s0\n"))
    ask("/etc/x", FileKind.FILE)
    assert ask.skipped == ("/etc/(?>x)",)
