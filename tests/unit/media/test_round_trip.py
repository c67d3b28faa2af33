"""What our readers find on what our writers wrote."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.base.record import replace
from guestwright.media.errors import DamagedMedium, MediaNotFound
from guestwright.media.image import FoundKind, ImageBytes, Medium, contents, lookup
from guestwright.media.iso_read import IsoReader, Names
from guestwright.media.read import read_medium
from guestwright.media.tree import MediaTree
from guestwright.media.write import MediaKind, write_medium
from tests.support.media import TIME, Contents, in_memory, tree_of, trees

KINDS = pytest.mark.parametrize("kind", MediaKind)


def image_of(kind: MediaKind, tree: MediaTree) -> bytes:
    return in_memory(lambda sink: write_medium(kind, tree, sink, label="CIDATA", time=TIME, serial=7))


def read_back(medium: Medium) -> Contents:
    return {
        one.path: None if one.kind is FoundKind.FOLDER else b"".join(contents(medium, one))
        for one in medium.found()
    }


@given(tree=trees(), kind=st.sampled_from(MediaKind))
@settings(max_examples=150)
def test_the_tree_comes_back(tree: Contents, kind: MediaKind) -> None:
    medium = read_medium(ImageBytes(image_of(kind, tree_of(tree))))
    assert medium.label == "CIDATA"
    assert read_back(medium) == tree


@given(tree=trees(), kind=st.sampled_from(MediaKind), data=st.data())
@settings(max_examples=60)
def test_the_order_of_files_does_not_change_a_byte(
    tree: Contents, kind: MediaKind, data: st.DataObject
) -> None:
    given_tree = tree_of(tree)
    shuffled = MediaTree(
        files=tuple(data.draw(st.permutations(given_tree.files))),
        directories=tuple(data.draw(st.permutations(given_tree.directories))),
    )
    assert image_of(kind, given_tree) == image_of(kind, shuffled)


@given(tree=trees())
@settings(max_examples=60)
def test_each_kind_of_name_leads_to_the_same_contents(tree: Contents) -> None:
    image = ImageBytes(image_of(MediaKind.CDROM, tree_of(tree)))
    expected = sorted(tree.values(), key=repr)
    for names in Names:
        found = read_back(IsoReader(image, names))
        assert sorted(found.values(), key=repr) == expected


@pytest.fixture(scope="module")
def originals() -> dict[MediaKind, bytes]:
    tree = tree_of({f"/{'d' * n}/{'f' * n * 20}{n}": b"x" * n * 700 for n in range(1, 9)} | {"/e": None})
    return {kind: image_of(kind, tree) for kind in MediaKind}


@KINDS
@settings(max_examples=250)
@given(data=st.data())
def test_a_damaged_medium_is_an_error_or_is_read(
    originals: dict[MediaKind, bytes], kind: MediaKind, data: st.DataObject
) -> None:
    """Never another exception, never without end."""
    image = bytearray(originals[kind])
    metadata = 160_000 if kind is MediaKind.CDROM else 16_000
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, min(metadata, len(image)) - 1))
        image[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(image))))
    try:
        medium = read_medium(ImageBytes(bytes(image[:cut])))
        found = medium.found()
    except DamagedMedium:
        return
    for one in found:
        parts = one.path.split("/")[1:]
        assert not {"", ".", ".."} & set(parts)
        assert "\0" not in one.path
        if one.size < 1 << 24:
            try:
                read = sum(map(len, contents(medium, one)))
            except DamagedMedium:
                continue
            assert read == one.size


@KINDS
def test_a_path_is_looked_up(originals: dict[MediaKind, bytes], kind: MediaKind) -> None:
    medium = read_medium(ImageBytes(originals[kind]))
    assert lookup(medium, "/e").kind is FoundKind.FOLDER
    with pytest.raises(MediaNotFound, match="/none is not on the medium"):
        lookup(medium, "/none")


@KINDS
def test_missing_contents_are_an_error(originals: dict[MediaKind, bytes], kind: MediaKind) -> None:
    medium = read_medium(ImageBytes(originals[kind]))
    one = next(each for each in medium.found() if each.size)
    with pytest.raises(DamagedMedium, match="lacks"):
        list(contents(medium, replace(one, size=one.size + 100_000)))


@KINDS
def test_every_argument_counts(kind: MediaKind) -> None:
    tree = tree_of({"/f": b"1"})

    def image(label: str = "A", time: int = TIME, serial: int = 7) -> bytes:
        return in_memory(lambda sink: write_medium(kind, tree, sink, label=label, time=time, serial=serial))

    images = [image(), image(label="B"), image(time=TIME + 100)]
    if kind is not MediaKind.CDROM:
        images.append(image(serial=8))
    assert all(a != b for a, b in itertools.combinations(images, 2))
    assert image() == images[0]
