"""The tree of a medium as folders within folders: checked, sorted, ready to be laid out."""

from __future__ import annotations

from typing import Final

from guestwright.media.errors import MediaNameClash, MediaRequestError, MediaTooBig
from guestwright.media.names import folded, parts
from guestwright.media.tree import FileSource, MediaFile, MediaTree

MAX_ENTRIES: Final = 200_000
MAX_FOLDERS: Final = 65_535
"""With the root: what a CD's path table can number."""


class Leaf:
    """A file in its folder.

    Attributes:
        name: its own.
        file: what it is made of.
        size: in bytes.
        first: where its contents begin, in blocks or clusters of the medium; the layout sets it.
    """

    __slots__ = ("file", "first", "name", "size")

    def __init__(self, name: str, file: MediaFile) -> None:
        self.name = name
        self.file = file
        self.size = file.size
        self.first = 0


class Folder:
    """A folder.

    Args:
        name: its own; empty for the root.
        parent: the folder it is in; None for the root.

    Raises:
        MediaTooBig: the tree has too many folders.

    Attributes:
        name: its own; empty for the root.
        path: absolute; empty for the root.
        parent: the folder it is in; the root is in itself.
        folders: in it, by name.
        leaves: the files in it, by name.
        count: of all folders of the tree, one number for all of them.
    """

    __slots__ = ("_seen", "count", "folders", "leaves", "name", "parent", "path")

    def __init__(self, name: str, parent: Folder | None) -> None:
        self.name = name
        self.parent = self if parent is None else parent
        self.path: str = f"{parent.path}/{name}" if parent else ""
        self.folders: list[Folder] = []
        self.leaves: list[Leaf] = []
        self.count: list[int] = [0] if parent is None else parent.count
        self.count[0] += 1
        if self.count[0] > MAX_FOLDERS:
            raise MediaTooBig(
                what="the number of folders", value=self.count[0], limit=MAX_FOLDERS, why="are possible"
            )
        self._seen: dict[str, str | Folder] = {}

    def enter(self, name: str, path: str) -> Folder:
        """The folder of this name, made if need be.

        Raises:
            MediaNameClash: there is a file of this name, or a name that differs by case only.
        """
        key = folded(name)
        there = self._seen.get(key)
        if there is None:
            made = self._seen[key] = Folder(name, self)
            self.folders.append(made)
            return made
        if isinstance(there, Folder) and there.name == name:
            return there
        raise _clash(self, name, there, path)

    def put(self, name: str, file: MediaFile) -> None:
        """Add a file.

        Raises:
            MediaNameClash: the name is taken.
        """
        key = folded(name)
        there = self._seen.get(key)
        if there is not None:
            raise _clash(self, name, there, file.path)
        self._seen[key] = name
        self.leaves.append(Leaf(name, file))

    def arrange(self) -> None:
        """Bring everything in it into the order of names."""
        self.folders.sort(key=_name)
        self.leaves.sort(key=_name)
        self._seen = {}


def _name(one: Folder | Leaf) -> str:
    return one.name


def _clash(folder: Folder, name: str, there: str | Folder, path: str) -> MediaNameClash:
    other = there if isinstance(there, str) else there.name
    if other != name:
        problem = "differ by upper and lower case only"
    elif isinstance(there, Folder):
        problem = "one is a file, the other a folder"
    else:
        problem = "are the same"
    return MediaNameClash(path=path, other=f"{folder.path}/{other}", problem=problem)


def arranged(tree: MediaTree) -> list[Folder]:
    """All folders of a tree, the root first and each before those in it, in one order for one content.

    Raises:
        BadMediaName: a name that no medium can hold.
        MediaNameClash: two names that some guest takes for one.
        MediaRequestError: a size or mode that cannot be.
        MediaTooBig: too many files and folders.
    """
    count = len(tree.files) + len(tree.directories)
    if count > MAX_ENTRIES:
        raise MediaTooBig(what="the number of files", value=count, limit=MAX_ENTRIES, why="are possible")
    root = Folder("", None)
    for path in tree.directories:
        here = root
        for name in parts(path):
            here = here.enter(name, path)
    for file in tree.files:
        *above, last = parts(file.path)
        here = root
        for name in above:
            here = here.enter(name, file.path)
        if isinstance(file.source, FileSource) and file.source.size < 0:
            raise MediaRequestError(detail=f"the size of {file.path} is negative")
        if not 0 <= file.mode <= 0o7777:
            raise MediaRequestError(detail=f"the mode of {file.path} is {file.mode:#o}, not permission bits")
        here.put(last, file)
    found = [root]
    for folder in found:
        folder.arrange()
        found.extend(folder.folders)
    return found
