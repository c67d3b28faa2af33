"""Initramfs archives, judged by cpio itself."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

from lab.xen.cpio import Archive
from tests.support.tools import needs


def archive() -> bytes:
    stream = io.BytesIO()
    one = Archive(stream)
    one.file("usr/bin/tool", b"#!/bin/sh\n", 0o755)
    one.file("empty", b"")
    one.symlink("bin", "usr/bin")
    one.directory("usr/bin")  # there already
    one.close()
    return stream.getvalue()


@needs("cpio")
def test_cpio_unpacks_what_was_written(tmp_path: Path) -> None:
    subprocess.run(
        ["cpio", "--extract", "--quiet", "--no-absolute-filenames"], cwd=tmp_path, input=archive(), check=True
    )
    assert (tmp_path / "bin/tool").read_text() == "#!/bin/sh\n"
    assert (tmp_path / "usr/bin/tool").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "bin").readlink() == Path("usr/bin")
    assert (tmp_path / "empty").read_bytes() == b""


@needs("cpio")
def test_archives_may_follow_each_other_and_directories_come_once() -> None:
    done = subprocess.run(["cpio", "--list", "--quiet"], input=archive(), capture_output=True, check=True)
    assert done.stdout.decode().split() == ["usr", "usr/bin", "usr/bin/tool", "empty", "bin"]
    assert len(archive()) % 4 == 0


def test_a_tar_becomes_an_archive_and_hard_links_become_copies() -> None:
    source = io.BytesIO()
    with tarfile.open(fileobj=source, mode="w") as tar:
        file = tarfile.TarInfo("./a")
        file.size, file.mode = 5, 0o600
        tar.addfile(file, io.BytesIO(b"hello"))
        link = tarfile.TarInfo("./b")
        link.type, link.linkname = tarfile.LNKTYPE, "./a"
        tar.addfile(link)
    source.seek(0)
    stream = io.BytesIO()
    with tarfile.open(fileobj=source) as tar:
        one = Archive(stream)
        for member in tar:
            one.member(tar, member, member.name.removeprefix("./"))
    assert stream.getvalue().count(b"hello") == 2
    assert "a" in one
    assert "b" in one
