"""The Debian package, judged by dpkg: fields, files, installing and removing in a root of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from guestwright.agent.package import contents, deb, pyz
from tests.support.program import guestwright
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("dpkg-deb", "dpkg", "sh")]

PATHS = [
    "/etc/guestwright/agent.toml",
    "/etc/init.d/guestwright-agent",
    "/lib/systemd/system/guestwright-agent.service",
    "/lib/udev/rules.d/60-guestwright-agent.rules",
    "/usr/lib/guestwright/bin/guestwright-agent.pyz",
    "/usr/share/doc/guestwright-agent/changelog.gz",
    "/usr/share/doc/guestwright-agent/copyright",
]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "agent.deb"
    done = guestwright("agent", "build", "--deb", "--output", str(path))
    assert done.status == 0, done.err
    return path


def said(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_fields(package: Path) -> None:
    fields = said("dpkg-deb", "--field", str(package))
    assert "Package: guestwright-agent\n" in fields
    assert "Architecture: all\n" in fields
    assert "Depends: python3:any (>= 3.8)\n" in fields
    for other in ("xe-guest-utilities", "xen-guest-agent"):
        assert other in fields.partition("Conflicts:")[2].partition("\n")[0]


def test_files(package: Path) -> None:
    listed = [line.split() for line in said("dpkg-deb", "--contents", str(package)).splitlines()]
    assert all(line[1] == "root/root" for line in listed)
    modes = {line[5].removeprefix("."): line[0] for line in listed}
    assert [path for path, mode in modes.items() if mode.startswith("-")] == PATHS
    assert modes[contents.program()] == "-rwxr-xr-x"
    assert modes["/etc/init.d/guestwright-agent"] == "-rwxr-xr-x"
    assert modes[contents.CONFIG] == "-rw-r--r--"


def test_the_archive_inside_is_the_one_that_is_built(package: Path, tmp_path: Path) -> None:
    said("dpkg-deb", "--extract", str(package), str(tmp_path / "out"))
    assert (tmp_path / "out" / contents.program().lstrip("/")).read_bytes() == pyz.build()


def test_equal_sources_make_equal_bytes(package: Path) -> None:
    assert package.read_bytes() == deb.build(pyz.build())


def test_scripts_are_shell(package: Path, tmp_path: Path) -> None:
    said("dpkg-deb", "--control", str(package), str(tmp_path / "control"))
    for name in ("postinst", "prerm", "postrm"):
        said("sh", "-n", str(tmp_path / "control" / name))
    for text in (contents.openrc(), contents.sysv(), contents.rcd()):
        done = subprocess.run(["sh", "-n"], input=text, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr


def test_dpkg_installs_and_purges_it(package: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    for directory in ("var/lib/dpkg/info", "var/lib/dpkg/updates"):
        (root / directory).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    dpkg = ["dpkg", f"--root={root}", "--force-depends", "--force-script-chrootless", "--force-not-root"]
    dpkg += ["--log=/dev/null"]
    said(*dpkg, "--install", str(package))
    assert "ii" in said("dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f", "${db:Status-Abbrev}")
    assert all((root / path.lstrip("/")).is_file() for path in PATHS)
    wants = root / "etc/systemd/system/multi-user.target.wants/guestwright-agent.service"
    assert os.readlink(wants) == "/lib/systemd/system/guestwright-agent.service"
    said(*dpkg, "--purge", "guestwright-agent")
    left = [path for path in root.rglob("*") if "var/lib" not in str(path) and "guestwright" in path.name]
    assert not [path for path in left if path.is_file() or path.is_symlink()]
