"""Find the system on a machine's disks, mount it as its fstab says, and read what it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from guestwright.base.record import record
from guestwright.guestfs import fstab
from guestwright.guestfs.errors import GuestFSError, NotFound
from guestwright.guestfs.port import FileKind, Filesystem, GuestFS
from guestwright.seal.errors import MountIncomplete, NoOperatingSystem, SeveralRoots, UnknownRoot
from guestwright.seal.guest import Guest
from guestwright.seal.os_facts import read_os, read_selinux

_NOT_ROOTS: Final = ("/grub/menu.lst", "/grub/grub.conf", "/grub2/grub.cfg", "/grub/grub.cfg")
_VIRTUAL: Final = frozenset(
    {"proc", "sysfs", "tmpfs", "devtmpfs", "devpts", "swap", "cgroup", "cgroup2", "debugfs", "efivarfs",
     "hugetlbfs", "mqueue", "securityfs", "tracefs", "fusectl", "configfs", "binfmt_misc", "ramfs",
     "overlay", "none"}
)  # fmt: skip
_REMOTE: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "ceph", "glusterfs", "sshfs"}
)
_HARMLESS: Final = frozenset(
    {"vfat", "msdos", "iso9660", "udf", "exfat", "ntfs", "ntfs-3g", "auto", "squashfs"}
)
_SEALED_DIRECTORIES: Final = ("/", "/var", "/etc", "/root", "/home", "/tmp", "/srv", "/usr", "/boot", "/opt")


@record
class Wish:
    """What the caller wants of inspection.

    Attributes:
        root: `Filesystem.id` of the root to take, "" for the only one.
        allow_missing: go on although fstab names a filesystem that is not on the disks.
        images: names for error messages.
    """

    root: str = ""
    allow_missing: bool = False
    images: tuple[str, ...] = ()


def inspect(fs: GuestFS, *, driver: str, wish: Wish) -> Guest:
    """Find the root filesystem, mount everything, and describe the guest.

    Args:
        fs: the files, nothing mounted yet; afterwards mounted as the guest would.
        driver: name of the driver behind `fs`, for the report.
        wish: see `Wish`.

    Raises:
        NoOperatingSystem, SeveralRoots, UnknownRoot: no root, or not one.
        MountIncomplete: fstab names a filesystem for a directory that sealing must see, and it is not there.
    """
    filesystems = tuple(fs.filesystems())
    root = _choose_root(fs, filesystems, wish)
    fs.unmount_all()
    fs.mount(root.id, "/")
    notes = _mount_fstab(fs, filesystems, root, allow_missing=wish.allow_missing)
    return Guest(
        fs=fs,
        os=read_os(fs),
        selinux=read_selinux(fs),
        filesystems=filesystems,
        mounts=tuple(fs.mounts().items()),
        root=root.id,
        notes=tuple(notes),
        driver=driver,
    )


def _choose_root(fs: GuestFS, filesystems: tuple[Filesystem, ...], wish: Wish) -> Filesystem:
    roots = [one for one in filesystems if one.mountable and _is_root(fs, one)]
    if wish.root:
        for one in roots:
            if one.id == wish.root:
                return one
        raise UnknownRoot(root=wish.root, roots=", ".join(one.id for one in roots) or "none")
    if not roots:
        found = ", ".join(f"{one.id} {one.type}" for one in filesystems) or "no filesystem at all"
        raise NoOperatingSystem(images=", ".join(wish.images), found=found)
    if len(roots) > 1:
        raise SeveralRoots(roots=", ".join(one.id for one in roots), example=roots[0].id)
    return roots[0]


def _is_root(fs: GuestFS, candidate: Filesystem) -> bool:
    """virt-inspector's rule: /etc, /bin (or a link to usr/bin), and /etc/fstab or /etc/hosts."""
    fs.unmount_all()
    fs.mount(candidate.id, "/")
    if any(_kind(fs, path) for path in _NOT_ROOTS) or _kind(fs, "/etc") is not FileKind.DIRECTORY:
        return False
    binaries = _kind(fs, "/bin")
    if binaries is FileKind.SYMLINK:
        if fs.readlink("/bin").strip("/") != "usr/bin":
            return False
    elif binaries is not FileKind.DIRECTORY:
        return False
    tables = ("/etc/fstab", "/etc/hosts", "/etc/os-release", "/usr/lib/os-release")
    return any(_kind(fs, path) in {FileKind.FILE, FileKind.SYMLINK} for path in tables)


def _kind(fs: GuestFS, path: str) -> FileKind | None:
    try:
        return fs.lstat(path).kind
    except GuestFSError:
        return None


def _mount_fstab(
    fs: GuestFS, filesystems: tuple[Filesystem, ...], root: Filesystem, *, allow_missing: bool
) -> list[str]:
    notes: list[str] = []
    try:
        text = fs.read("/etc/fstab").decode("utf-8", "surrogateescape")
    except NotFound:
        return ["/etc/fstab: not there; only the root filesystem was looked at"]
    for row in sorted(
        _wanted(fstab.parse(text)), key=lambda one: (one.mountpoint.count("/"), one.mountpoint)
    ):
        problem = _mount_row(fs, row, filesystems, root)
        if not problem:
            continue
        optional = row.type in _HARMLESS or row.type in _REMOTE or "noauto" in row.options.split(",")
        if not optional and not allow_missing and _matters(row.mountpoint):
            raise MountIncomplete(mountpoint=row.mountpoint, spec=row.spec, reason=problem)
        notes.append(f"{row.mountpoint} ({row.spec}): {problem}; what is there was not sealed")
    return notes


def _wanted(rows: Iterable[fstab.Row]) -> Iterable[fstab.Row]:
    for row in rows:
        options = row.options.split(",")
        if row.type in _VIRTUAL or not row.mountpoint.startswith("/") or row.mountpoint == "/":
            continue
        if "bind" in options or "rbind" in options:
            continue  # the files are sealed where they really live
        yield row


def _mount_row(fs: GuestFS, row: fstab.Row, filesystems: tuple[Filesystem, ...], root: Filesystem) -> str:
    """Mount one row; why not, or "" when it was mounted."""
    if row.type in _REMOTE:
        return f"is a network filesystem ({row.type})"
    subvolume = _subvolume(row.options)
    found = fstab.match(row.spec, filesystems)
    if found is None:
        return "the filesystem is not on these disks"
    if not found.mountable:
        return f"{found.type or 'unknown'} filesystems are not opened"
    target = found.id
    if subvolume and found.type == "btrfs":
        target = _subvolume_id(found, subvolume, filesystems)
    if target == root.id:
        return ""
    try:
        fs.mount(target, row.mountpoint, options=row.options)
    except NotFound:
        return "its mount point does not exist in the guest"
    return ""


def _subvolume(options: str) -> str:
    for option in options.split(","):
        if option.startswith("subvol="):
            return option.removeprefix("subvol=").lstrip("/")
    return ""


def _subvolume_id(found: Filesystem, subvolume: str, filesystems: tuple[Filesystem, ...]) -> str:
    base = found.id.removeprefix("btrfs:").split(":", 1)[0]
    wanted = f"btrfs:{base}:{subvolume}"
    return next((one.id for one in filesystems if one.id == wanted), found.id)


def _matters(mountpoint: str) -> bool:
    """Whether operations look there, so that leaving it out would leave identities behind."""
    return any(
        mountpoint == top or mountpoint.startswith(f"{top}/") for top in _SEALED_DIRECTORIES if top != "/"
    )
