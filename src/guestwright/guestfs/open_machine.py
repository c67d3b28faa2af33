"""Open the disks of one machine with the driver that fits: the composition root of `guestfs`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from guestwright.base.errors import GuestwrightError, UsageError
from guestwright.base.progress import Progress, silent
from guestwright.base.record import record
from guestwright.base.undo import UndoStack
from guestwright.disk.image import Image, open_image
from guestwright.disk.overlay import Overlay
from guestwright.guestfs.contents import choose_driver, read_areas
from guestwright.guestfs.ext_machine import ExtMachine
from guestwright.guestfs.machine import Machine

DRIVERS = ("auto", "ext", "appliance")


@record
class OpenOptions:
    """How to open.

    Attributes:
        format: of all images; "" takes it from each suffix.
        writable: whether `commit` will be called.
        allow_backing: follow backing files and external data files.
        allow_snapshots: accept internal snapshots (they keep what sealing erases).
        driver: one of `DRIVERS`.
        now: seconds since the epoch, for timestamps in the guest.
    """

    format: str = ""
    writable: bool = False
    allow_backing: bool = False
    allow_snapshots: bool = False
    driver: str = "auto"
    now: int = 0


def open_machine(paths: Sequence[str], options: OpenOptions, progress: Progress = silent) -> Machine:
    """Open all disks of one machine together.

    Args:
        paths: image files or block devices, the boot disk first.
        options: see `OpenOptions`.
        progress: told about what takes long (the start of an appliance).

    Returns:
        The machine; the caller closes it.

    Raises:
        UsageError: the same image twice, no image, unknown driver or format.
        UnsupportedError: a guest or an image that cannot be sealed; says why.
    """
    if not paths:
        raise UsageError(problem="no image given")
    with UndoStack() as undo:
        images: list[Image] = []
        for path in paths:
            image = open_image(
                path,
                format=options.format or None,
                writable=options.writable,
                allow_backing=options.allow_backing,
                allow_snapshots=options.allow_snapshots,
            )
            undo.add(image.close)
            images.append(image)
        machine = _machine(images, options, progress)
        undo.success()
    return machine


def _machine(images: Sequence[Image], options: OpenOptions, progress: Progress) -> Machine:
    overlays = [Overlay(image.reader) for image in images]
    try:
        areas = read_areas(overlays)
        driver = choose_driver(areas) if options.driver == "auto" else options.driver
        if driver == "ext":
            return ExtMachine(images, overlays, areas, now=options.now)
    except GuestwrightError:
        _claim(images)  # that one is in use explains more than what was read from it
        raise
    if driver == "appliance":
        _claim(images)
        # Loaded only when needed: binding libguestfs costs start-up time that ext guests need not pay.
        module = import_module("guestwright.guestfs.drivers.appliance.machine")
        opened: Machine = module.open_machine(images, areas, now=options.now, progress=progress)
        return opened
    raise UsageError(problem=f"--driver {driver}: expected one of {', '.join(DRIVERS)}")


def _claim(images: Sequence[Image]) -> None:
    """Open all in earnest, so that no virtual machine can be started on them from now on."""
    for image in images:
        image.start()
    for image in images:
        _ = image.device
