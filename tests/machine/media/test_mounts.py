"""Linux mounts our CDs and FAT volumes and finds every file as it was written.

One boot for all: `visited` writes the images, lets a guest mount each of them in several ways, and the tests
look at what it saw. What Joliet and the plain names are is said by pycdlib, where they are not the true ones.
"""

from __future__ import annotations

import hashlib
import os
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from guestwright.media.fat import write_fat
from guestwright.media.fat_geometry import FLOPPY_SIZE
from guestwright.media.iso import write_iso
from guestwright.media.iso_hierarchy import MAX_EXTENT
from guestwright.media.sink import measured
from guestwright.media.tree import MediaFile, MediaTree
from lab import ext
from lab.guest.mounts import Mount, Seen, visit
from tests.support.media import TIME, Contents, by_pycdlib, in_file, on_disk, tree_of
from tests.support.tools import needs

pytestmark = [
    pytest.mark.machine,
    needs("qemu-system-x86_64", "mke2fs", "apt-get", "dpkg-deb", "gcc"),
    pytest.mark.timeout(900),
]

SIZES = (0, 1, 511, 512, 513, 1023, 1024, 2047, 2048, 2049, 4095, 4096, 4097, 65_535, 65_536, 65_537, 300_001)
LARGE = MAX_EXTENT + 5_000_001
MARKS = {0: b"begin", MAX_EXTENT - 4: b"across the border", LARGE - 3: b"end", 1 << 30: b"inside"}
LETTERS = "abcXYZ019 _-+.,éßñΩжשא漢字한"


def folders_of(paths: list[str]) -> Contents:
    """The folders above files."""
    found: Contents = {}
    for path in paths:
        while (path := path.rpartition("/")[0]) != "":
            found[path] = None
    return found


def filled(size: int, seed: str) -> bytes:
    return random.Random(seed).randbytes(size)


def everyday() -> Contents:
    """Nested, wide, empty, Unicode, all sizes around blocks: nothing that Joliet would change."""
    found: Contents = {f"/sizes/{size} bytes.bin": filled(size, str(size)) for size in SIZES}
    found |= {f"/wide/{number:03} of many.conf": b"%d" % number for number in range(30)}
    found |= {"/user-data": b"#cloud-config\n", "/Readme.TXT": b"r", "/README.1ST": b"1", "/a.b.c": b"abc"}
    found |= {"/" + "/".join(f"level {n}" for n in range(1, 13)) + "/bottom": b"deep"}
    found |= {
        f"/unicode/{name}.txt": name.encode() for name in ("Grüße", "Ωμέγα", "привет", "漢字", "한국어")
    }
    found |= {"/" + "j" * 64: b"64 characters", "/empty": None, "/nothing/at all": None}
    return {**found, **folders_of(list(found))}


def mangled() -> Contents:
    """Names that Joliet and plain ISO 9660 have to change, and that then clash; FAT can hold them all."""
    found: Contents = {"/" + "n" * 253: b"1", "/" + "é" * 126: b"2", "/" + "漢" * 84: b"3"}
    found |= {f"/clash/{'c' * 100}{number}.txt": b"clash %d" % number for number in range(15)}
    found |= {f"/case/{name}": name.encode() for name in ("a.b.d", "A_B.D", "A_B_1.D", "a+b.d", "a b.d")}
    found |= {f"/beyond/{name}": name.encode() for name in ("\U0001f600.txt", "\U0001f680.txt", "a;b")}
    found |= {f"/many/{number:02}{'m' * 200}": b"%d" % number for number in range(15)}
    return {**found, **folders_of(list(found))}


def generated() -> Contents:
    """A tree that nobody thought of."""
    dice = random.Random(20_261)
    folders, found = [""], Contents()
    names: set[tuple[str, str]] = set()
    while len(found) < 90:
        parent = dice.choice(folders)
        name = "".join(dice.choice(LETTERS) for _ in range(dice.choice([1, 5, 8, 12, 30, 60, 90]))).strip(
            " ."
        )
        if not name or (parent, name.upper()) in names or len(f"{parent}/{name}".encode()) > 600:
            continue
        names.add((parent, name.upper()))
        found[f"{parent}/{name}"] = (
            None if (folder := dice.random() < 0.2) else filled(dice.choice(SIZES[:12]), name)
        )
        folders += [f"{parent}/{name}"] if folder else []
    return found


LONGEST: Contents = {"/" + "n" * 255: b"1", "/" + "é" * 127: b"2", "/" + "漢" * 85: b"3"}
"""Names longer than the 253 bytes which Linux reads from Rock Ridge (fs/isofs/rock.c)."""
TREES = {"everyday": everyday(), "mangled": mangled(), "generated": generated()}
ALL = {**TREES, "longest": LONGEST}
FLOPPIES = {name: {p: d for p, d in tree.items() if d is None or len(d) < 5000} for name, tree in ALL.items()}
VIEWS = {"rock": "", "joliet": "norock", "plain": "norock,nojoliet"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What the guest saw, and the folder with the images."""

    seen: dict[str, Seen]
    images: Path


def on_host(top: Path, contents: Contents) -> None:
    for path, data in sorted(contents.items()):
        where = top / path[1:]
        if data is None:
            where.mkdir(parents=True, exist_ok=True)
        else:
            where.parent.mkdir(parents=True, exist_ok=True)
            where.write_bytes(data)


def large_source(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(LARGE)
        for at, mark in MARKS.items():
            file.seek(at)
            file.write(mark)


def cd(path: Path, tree: MediaTree) -> Path:
    in_file(path, lambda sink: write_iso(tree, sink, volume_id="cidata", time=TIME))
    return path


def fat(path: Path, contents: Contents, size: int) -> Path:
    tree = tree_of(contents)
    in_file(path, lambda sink: write_fat(tree, sink, label="cidata", serial=1, time=TIME, size=size))
    return path


def write_images(top: Path, reference: Path) -> dict[str, Path]:
    """All images, by name; the reference gets a folder for each tree."""
    made: dict[str, Path] = {}
    for name, contents in ALL.items():
        on_host(reference / name, contents)
        on_host(reference / f"{name}-floppy", FLOPPIES[name])
        made[f"{name}-iso"] = cd(top / f"{name}.iso", tree_of(contents))
        made[f"{name}-floppy"] = fat(top / f"{name}.floppy", FLOPPIES[name], FLOPPY_SIZE)
        made[f"{name}-disk"] = fat(top / f"{name}.disk", contents, 40 << 20)
    (reference / "large").mkdir()
    source = reference / "large/large file.bin"
    large_source(source)
    (reference / "large/zz after").write_bytes(b"a" * 3000)
    files = (
        MediaFile(path="/large file.bin", source=measured(str(source))),
        MediaFile(path="/zz after", source=b"a" * 3000),
    )
    made["large"] = cd(top / "large.iso", MediaTree(files=files))
    return made


def mounts() -> list[Mount]:
    todo = []
    for name in ALL:
        for view, options in VIEWS.items():
            true = (view == "rock" and name in TREES) or (view == "joliet" and name == "everyday")
            reference = name if true else ""
            todo.append(
                Mount(
                    name=f"{name}-{view}",
                    image=f"{name}-iso",
                    kind="iso9660",
                    options=f"iocharset=utf8,{options}".rstrip(","),
                    reference=reference,
                )
            )
        for kind, reference in (("floppy", f"{name}-floppy"), ("disk", name)):
            todo.append(
                Mount(
                    name=f"{name}-{kind}",
                    image=f"{name}-{kind}",
                    kind="vfat",
                    options="utf8=1",
                    reference=reference,
                )
            )
    todo.append(
        Mount(
            name="large-rock",
            image="large",
            kind="iso9660",
            options="unhide",
            sums=False,
            reference="large",
        )
    )
    return todo


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Visit:
    top = tmp_path_factory.mktemp("mounts")
    trees, reference = top / "trees", top / "reference.ext4"
    trees.mkdir()
    images = write_images(top, trees)
    ext.make(str(reference), str(trees), size=1 << 30)
    seen, seconds = visit(
        {name: str(path) for name, path in images.items()}, str(reference), mounts(), deadline=800
    )
    print(f"{seconds:.1f} s", {name: one.complete for name, one in seen.items()})
    return Visit(seen=seen, images=top)


def sums(contents: Contents) -> dict[str, str]:
    return {path: hashlib.sha256(data).hexdigest() for path, data in contents.items() if data is not None}


def folders(contents: Contents) -> set[str]:
    return {path for path, data in contents.items() if data is None}


def files(contents: Contents) -> set[str]:
    return {path for path, data in contents.items() if data is not None}


def agrees(seen: Seen, contents: Contents) -> None:
    """Folders, sizes and sums are those of a tree."""
    assert seen.differs == []
    assert seen.complete
    assert seen.folders == folders(contents)
    assert seen.sizes == {path: len(contents[path] or b"") for path in files(contents)}
    assert seen.sums == sums(contents)


@pytest.mark.parametrize("name", TREES)
@pytest.mark.parametrize("kind", ["rock", "floppy", "disk"])
def test_linux_finds_the_true_names_and_every_byte(visited: Visit, name: str, kind: str) -> None:
    contents = FLOPPIES[name] if kind == "floppy" else TREES[name]
    seen = visited.seen[f"{name}-{kind}"]
    agrees(seen, contents)
    assert len(seen.same) == len(files(contents)), "cmp went over all files"


def test_linux_cuts_the_longest_names_of_rock_ridge_and_loses_no_file(visited: Visit) -> None:
    seen = visited.seen["longest-rock"]
    assert sorted(seen.sums.values()) == sorted(sums(LONGEST).values())
    names = [os.fsencode(name) for name in seen.sums]  # Linux may cut inside a character
    assert all(any(true.encode().startswith(name) for true in LONGEST) for name in names)
    assert {len(name) for name in names} == {1 + 250}
    agrees(visited.seen["longest-disk"], LONGEST)
    agrees(visited.seen["longest-floppy"], LONGEST)


def test_joliet_keeps_names_that_fit(visited: Visit) -> None:
    seen = visited.seen["everyday-joliet"]
    agrees(seen, TREES["everyday"])
    assert len(seen.same) == len(files(TREES["everyday"]))


@pytest.mark.parametrize("name", TREES)
@pytest.mark.parametrize("view", ["joliet", "plain"])
def test_changed_names_lose_nothing(visited: Visit, name: str, view: str) -> None:
    """Every content is there once, below the name that pycdlib reads."""
    data = (visited.images / f"{name}.iso").read_bytes()
    expected = by_pycdlib(data, {"joliet": "joliet", "plain": "iso"}[view])
    if view == "plain":  # Linux shows these in lower case and drops a dot that ends a name
        expected = {path.lower().removesuffix("."): content for path, content in expected.items()}
    assert sorted(expected.values(), key=repr) == sorted(TREES[name].values(), key=repr)
    agrees(visited.seen[f"{name}-{view}"], expected)


def test_a_file_beyond_four_gigabytes(visited: Visit) -> None:
    seen = visited.seen["large-rock"]
    assert seen.differs == []
    assert seen.sizes == {"/large file.bin": LARGE, "/zz after": 3000}
    assert len(seen.same) == 2, "every byte of both was compared"


def test_the_reference_is_what_was_written(visited: Visit) -> None:
    """What the guest compared with is the same tree that the tests speak of."""
    for name, contents in ALL.items():
        assert on_disk(visited.images / "trees" / name) == contents
    assert os.stat(visited.images / "large.iso").st_size > LARGE
