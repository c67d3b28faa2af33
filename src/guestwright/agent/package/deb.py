"""Makes the Debian package of the agent, with the standard library alone; equal sources give equal bytes.

Format: deb(5), an ar(5) archive of "debian-binary", "control.tar.gz" and "data.tar.gz", in this order.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from typing import Final

from guestwright import __version__
from guestwright.agent.package import contents

_TIME: Final = 315_532_800  # 1980-01-01 UTC, as in the agent's archive
_DOC: Final = f"/usr/share/doc/{contents.NAME}"
_UNIT: Final = f"{contents.NAME}.service"

_CONTROL: Final = """\
Package: {name}
Version: {version}
Architecture: all
Maintainer: The Guestwright developers <guestwright@localhost>
Installed-Size: {kib}
Depends: python3:any (>= 3.8)
Conflicts: xe-guest-utilities, xe-guest-utilities-latest, xen-guest-agent
Replaces: xe-guest-utilities, xe-guest-utilities-latest, xen-guest-agent
Section: admin
Priority: optional
Description: guest agent of Guestwright
 Tells the virtualisation host what runs in this guest: operating system, network
 interfaces and addresses, memory, disks. Does what the host asks where the owner of
 the guest allows it. Works on Xen and, over a virtio-serial port, on KVM; harmless
 where there is neither.
"""

# As deb-systemd-invoke(1p) has it; DPKG_ROOT as dpkg(1): a system that is not running here is not started.
_POSTINST: Final = """\
#!/bin/sh
set -e
if [ "$1" = configure ] || [ "$1" = abort-upgrade ] || [ "$1" = abort-remove ]; then
    if command -v deb-systemd-helper >/dev/null; then
        deb-systemd-helper unmask {unit} >/dev/null || true
        if deb-systemd-helper --quiet was-enabled {unit}; then
            deb-systemd-helper enable {unit} >/dev/null || true
        else
            deb-systemd-helper update-state {unit} >/dev/null || true
        fi
    fi
    if [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
        systemctl --system daemon-reload >/dev/null || true
        if [ -n "$2" ]; then action=restart; else action=start; fi
        deb-systemd-invoke $action {unit} >/dev/null || true
    elif [ -z "$DPKG_ROOT" ] && command -v update-rc.d >/dev/null; then
        update-rc.d {name} defaults >/dev/null || true
    fi
fi
"""

_PRERM: Final = """\
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
    deb-systemd-invoke stop {unit} >/dev/null || true
elif [ "$1" = remove ] && [ -z "$DPKG_ROOT" ]; then
    /etc/init.d/{name} stop >/dev/null || true
fi
"""

_POSTRM: Final = """\
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
fi
if [ "$1" = purge ]; then
    if command -v deb-systemd-helper >/dev/null; then
        deb-systemd-helper purge {unit} >/dev/null || true
    fi
    if [ -z "$DPKG_ROOT" ] && command -v update-rc.d >/dev/null; then
        update-rc.d {name} remove >/dev/null || true
    fi
fi
"""

_COPYRIGHT: Final = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: guestwright

Files: *
Copyright: The Guestwright developers
License: Apache-2.0
 On Debian systems the full text is in /usr/share/common-licenses/Apache-2.0.
"""


def file_name() -> str:
    """What such a package is called."""
    return f"{contents.NAME}_{__version__}_all.deb"


def build(archive: bytes) -> bytes:
    """The package.

    Args:
        archive: what `pyz.build` made.
    """
    files = _files(archive)
    data = _tar(files)
    kib = (sum(len(content) for content, _ in files.values()) + 1023) // 1024
    names = {"name": contents.NAME, "unit": _UNIT}
    sums = "".join(
        f"{hashlib.md5(content, usedforsecurity=False).hexdigest()}  {path.lstrip('/')}\n"
        for path, (content, _) in files.items()
        if path not in _conffiles(files)
    )
    control = {
        "/control": (_CONTROL.format(version=__version__, kib=kib, **names).encode(), 0o644),
        "/md5sums": (sums.encode(), 0o644),
        "/conffiles": ("".join(f"{path}\n" for path in _conffiles(files)).encode(), 0o644),
        "/postinst": (_POSTINST.format(**names).encode(), 0o755),
        "/prerm": (_PRERM.format(**names).encode(), 0o755),
        "/postrm": (_POSTRM.format(**names).encode(), 0o755),
    }
    members = (("debian-binary", b"2.0\n"), ("control.tar.gz", _tar(control)), ("data.tar.gz", data))
    return b"!<arch>\n" + b"".join(_member(name, content) for name, content in members)


def _files(archive: bytes) -> dict[str, tuple[bytes, int]]:
    entry = (
        f"{contents.NAME} ({__version__}) unstable; urgency=medium\n\n  * See CHANGELOG.md of Guestwright.\n"
    )
    entry += "\n -- The Guestwright developers <guestwright@localhost>  Tue, 01 Jan 1980 00:00:00 +0000\n"
    return {
        f"/etc/init.d/{contents.NAME}": (contents.filled(contents.sysv()), 0o755),
        contents.CONFIG: (contents.config(), 0o644),
        contents.program(): (archive, 0o755),
        f"/lib/systemd/system/{_UNIT}": (contents.filled(contents.unit()), 0o644),
        f"/lib/udev/rules.d/{contents.RULES}": (contents.rules(), 0o644),
        f"{_DOC}/changelog.gz": (gzip.compress(entry.encode(), 9, mtime=_TIME), 0o644),
        f"{_DOC}/copyright": (_COPYRIGHT.encode(), 0o644),
    }


def _conffiles(files: dict[str, tuple[bytes, int]]) -> list[str]:
    return [path for path in files if path.startswith("/etc/")]


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    """A gzipped tar of files, their directories before them, all root's."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        made: set[str] = set()
        for path, (content, mode) in sorted(files.items()):
            parts = path.split("/")[:-1]
            for count in range(1, len(parts) + 1):
                directory = "." + "/".join(parts[:count]) + "/"
                if directory not in made:
                    made.add(directory)
                    tar.addfile(_info(directory, tarfile.DIRTYPE, 0o755, 0))
            tar.addfile(_info(f".{path}", tarfile.REGTYPE, mode, len(content)), io.BytesIO(content))
    return gzip.compress(stream.getvalue(), 9, mtime=_TIME)


def _info(name: str, kind: bytes, mode: int, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size, info.mtime = kind, mode, size, _TIME
    info.uname = info.gname = "root"
    return info


def _member(name: str, content: bytes) -> bytes:
    """One member of an ar(5) archive."""
    head = f"{name:<16}{_TIME:<12}{0:<6}{0:<6}{0o100644:<8o}{len(content):<10}`\n"
    return head.encode() + content + b"\n" * (len(content) % 2)
