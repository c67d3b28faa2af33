"""The image exists while it is needed, and nobody else can read it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from guestwright.base.errors import GuestwrightError
from guestwright.host.errors import HostError, MediumNotKept
from guestwright.host.sysprep.medium import FileMedium, leftovers


class Drive:
    """A drive that holds what is in it open, as QEMU does."""

    def __init__(self, refuses: str = "") -> None:
        self.held: int | None = None
        self.asked: list[bool] = []
        self.refuses = refuses

    def insert(self, path: str) -> None:
        self.held = os.open(path, os.O_RDONLY)
        if self.refuses:
            raise HostError(problem=self.refuses)

    def eject(self, path: str, *, force: bool) -> None:
        self.asked.append(force)
        if self.refuses and not force:
            raise HostError(problem=self.refuses)

    def close(self) -> None:
        if self.held is not None:
            os.close(self.held)


def test_a_medium_comes_and_goes(tmp_path: Path) -> None:
    directory, drive = tmp_path / "media", Drive()
    medium = FileMedium(str(directory), "abc", lambda: b"secret", drive)
    assert not directory.exists()
    medium.insert()
    (path,) = directory.iterdir()
    assert path.read_bytes() == b"secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o711
    assert leftovers(str(directory)) == [str(path)]
    medium.eject()
    medium.destroy()
    medium.destroy()
    assert leftovers(str(directory)) == []
    assert drive.asked == [False]
    assert drive.held is not None
    assert os.read(drive.held, 10) == b""  # what still holds it open has nothing
    drive.close()


def test_a_drive_that_does_not_take_it(tmp_path: Path) -> None:
    drive = Drive("jammed")
    medium = FileMedium(str(tmp_path / "m"), "abc", lambda: b"secret", drive)
    with pytest.raises(GuestwrightError, match="jammed"):
        medium.insert()
    with pytest.raises(GuestwrightError, match="jammed"):
        medium.eject()
    medium.eject()
    medium.destroy()
    assert drive.asked == [False, True]
    assert list((tmp_path / "m").iterdir()) == []
    drive.close()


def test_a_directory_of_others_is_not_used(tmp_path: Path) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    medium = FileMedium(str(open_to_all), "abc", lambda: b"secret", Drive())
    with pytest.raises(MediumNotKept, match="others may write"):
        medium.insert()
    with pytest.raises(MediumNotKept):
        leftovers(str(open_to_all))
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    with pytest.raises(MediumNotKept):
        FileMedium(str(link), "abc", lambda: b"secret", Drive()).insert()
    assert list(open_to_all.iterdir()) == []


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    drive = Drive()
    first = FileMedium(str(tmp_path / "m"), "abc", lambda: b"one", drive)
    first.insert()
    with pytest.raises(MediumNotKept):
        FileMedium(str(tmp_path / "m"), "abc", lambda: b"two", drive).insert()
    drive.close()


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    directory = tmp_path / "m"
    directory.mkdir(0o700)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (directory / "abc.sysprep.iso").symlink_to(victim)
    medium = FileMedium(str(directory), "abc", lambda: b"x", Drive())
    for call in (medium.insert, medium.destroy):
        with pytest.raises(MediumNotKept):
            call()
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "a\n"])
def test_names(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name of a medium"):
        FileMedium(str(tmp_path), name, lambda: b"", Drive())


def test_nothing_is_left_where_nothing_was(tmp_path: Path) -> None:
    assert leftovers(str(tmp_path / "none")) == []
