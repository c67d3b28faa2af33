"""The files around a run: saved plans, copies to seal instead of the original, manifests."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from guestwright.base.errors import UsageError
from guestwright.base.ids import new_run_id
from guestwright.base.record import field, record, replace
from guestwright.base.undo import UndoStack
from guestwright.cli.output import warn
from guestwright.disk.copy import copy_image
from guestwright.disk.image import open_image
from guestwright.guestfs.machine import Machine
from guestwright.guestfs.open_machine import OpenOptions
from guestwright.seal.errors import (
    FileNotWritten,
    ManifestUnreadable,
    OutputExists,
    PlanStale,
    PlanUnreadable,
)
from guestwright.seal.manifest import KIND_MANIFEST, KIND_PLAN, manifest
from guestwright.seal.plan import Plan, image_json
from guestwright.seal.request import Request

_LIMIT = 64 << 20
_PARTIAL = ".guestwright-partial"
_MANIFEST = ".guestwright-manifest.json"
_MADE = frozenset({"create", "rewrite", "mkdir", "symlink", "chmod", "chown"})


@record(kw_only=False)
class SavedPlan:
    """A plan file: the request in it, and the whole JSON."""

    request: Request
    body: Mapping[str, Any]


def load_plan(path: str) -> SavedPlan:
    """Read a plan that `seal plan --save` wrote.

    Raises:
        PlanUnreadable: no such file, or not a plan.
    """
    try:
        if os.path.getsize(path) > _LIMIT:
            raise PlanUnreadable(plan=path, detail="too large to be a plan")
        with open(path, encoding="utf-8") as stream:
            body = json.load(stream)
        if not isinstance(body, dict) or body.get("kind") != KIND_PLAN:
            raise PlanUnreadable(plan=path, detail="not a plan of Guestwright")
        return SavedPlan(Request.from_json(body["request"]), body)
    except OSError as error:
        raise PlanUnreadable(plan=path, detail=error.strerror or "cannot be read") from error
    except (ValueError, KeyError, RecursionError) as error:
        raise PlanUnreadable(plan=path, detail=f"damaged: {error}") from error


def check_fits(path: str, machine: Machine, plan: Plan | None = None) -> None:
    """Refuse a saved plan whose images are not what they were, or that would now do something else.

    Args:
        path: the plan file.
        machine: the opened images.
        plan: what was computed now; None to compare the images only.

    Raises:
        PlanStale: with what differs.
    """
    body = load_plan(path).body
    before, now = body["images"], image_json(machine.images)
    if len(before) != len(now):
        raise PlanStale(plan=path, detail=f"it is for {len(before)} images, not {len(now)}")
    for old, new in zip(before, now, strict=True):
        if old["fingerprint"] != new["fingerprint"]:
            keys = {*old["fingerprint"], *new["fingerprint"]}
            wrong = sorted(key for key in keys if old["fingerprint"].get(key) != new["fingerprint"].get(key))
            raise PlanStale(plan=path, detail=f"{new['path']} has changed since ({', '.join(wrong)})")
    if plan is not None and plan.digest != body["digest"]:
        raise PlanStale(plan=path, detail="the same operations would now do something else")


@record
class Target:
    """What is sealed: the images themselves, or copies that get their names when all went well."""

    paths: list[str]
    options: OpenOptions
    names: list[str] = field(default_factory=list)

    def finish(self) -> None:
        """Give the copies their final names, durably.

        Raises:
            FileNotWritten: the host refused.
        """
        for partial, name in zip(self.paths, self.names, strict=False):
            try:
                os.rename(partial, name)
                folder = os.open(os.path.dirname(os.path.abspath(name)), os.O_RDONLY | os.O_DIRECTORY)
                os.fsync(folder)
                os.close(folder)
            except OSError as error:
                raise FileNotWritten(path=name, detail=error.strerror or "unknown error") from error

    @property
    def final(self) -> list[str]:
        """The names under which the result is found."""
        return self.names or self.paths


@contextmanager
def prepare_target(images: Sequence[str], outputs: Sequence[str], options: OpenOptions) -> Iterator[Target]:
    """The images to work on; with outputs, copies that are removed again unless `finish` was called.

    Raises:
        UsageError: not one output per image, or an output that exists.
    """
    if not outputs:
        yield Target(paths=list(images), options=options)
        return
    if len(outputs) != len(images):
        raise UsageError(problem=f"{len(images)} images need as many --output, got {len(outputs)}")
    for output in outputs:
        if os.path.lexists(output):
            raise OutputExists(path=output)
    with UndoStack() as undo:
        formats = set()
        partials = []
        for image, output in zip(images, outputs, strict=True):
            partial = os.path.join(os.path.dirname(output) or ".", f".{os.path.basename(output)}{_PARTIAL}")
            undo.add(_remover(partial))
            formats.add(_copy(image, output, partial, options))
            partials.append(partial)
        if len(formats) > 1:
            raise UsageError(
                problem=f"images of different formats ({', '.join(sorted(formats))}) with --output"
            )
        chosen = replace(options, format=formats.pop())
        yield Target(paths=partials, options=chosen, names=list(outputs))


def _remover(path: str) -> Callable[[], None]:
    def remove() -> None:
        with suppress(FileNotFoundError):
            os.unlink(path)

    return remove


def _copy(image: str, output: str, partial: str, options: OpenOptions) -> str:
    with open_image(
        image,
        format=options.format or None,
        writable=False,
        allow_backing=options.allow_backing,
        allow_snapshots=options.allow_snapshots,
    ) as source:
        here, there = os.path.dirname(os.path.abspath(image)), os.path.dirname(os.path.abspath(output))
        if options.allow_backing and here != there:
            raise UsageError(problem="with --allow-backing, --output must be in the image's own directory")
        copy_image(image, partial)
        return str(source.format)


def check_manifest_place(params: dict[str, Any], outputs: Sequence[str]) -> None:
    """Find out before a run whether its manifest could be written; an older manifest may be replaced.

    Args:
        params: of the command.
        outputs: names of the images when the run is done.

    Raises:
        FileNotWritten: no such directory, or one that this user may not write to.
        OutputExists: something else than a manifest lies there.
    """
    if params["no_manifest"]:
        return
    path = params["manifest"] or _beside(outputs[0])
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise FileNotWritten(path=path, detail="no such directory")
    if not os.access(folder, os.W_OK):
        raise FileNotWritten(path=path, detail="permission denied")
    if os.path.lexists(path):
        try:
            _load_manifest(path)
        except ManifestUnreadable as error:
            raise OutputExists(path=path) from error


def write_manifest(
    params: dict[str, Any],
    target: Target,
    plan: Plan,
    *,
    started: float,
    seconds: dict[str, float],
    written: int,
) -> dict[str, Any]:
    """Write the manifest whole or not at all. The image is sealed by now: that it failed is only a warning.

    Returns:
        The manifest, with its own "path" if it was written.
    """
    images = tuple(replace(one, path=name) for one, name in zip(plan.images, target.final, strict=True))
    when = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(started))
    run = new_run_id(time.time(), os.urandom(10))
    done = replace(plan, images=images)
    body = manifest(done, run=run, started=when, seconds=seconds, written=written)
    if params["no_manifest"]:
        return body
    path = params["manifest"] or _beside(target.final[0])
    try:
        _write_whole(path, f"{path}.{run}", body)
    except OSError as error:
        warn(f"guestwright: sealed, but the manifest {path} cannot be written: {error.strerror}")
        return body
    return {**body, "path": path}


def _write_whole(path: str, partial: str, body: dict[str, Any]) -> None:
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(body, stream, indent=2)
            stream.write("\n")
        os.replace(partial, path)
    except OSError:
        os.unlink(partial)
        raise


def customised_paths(image: str, manifest_file: str) -> tuple[str, ...]:
    """What customising put into an image, by the manifest of its sealing; () when there is none.

    Raises:
        ManifestUnreadable: the file that was named, or the one beside the image, is no manifest.
    """
    path = manifest_file or _beside(image)
    if not manifest_file and not os.path.exists(path):
        return ()
    body = _load_manifest(path)
    try:
        actions = [
            one for part in body["operations"] if part["name"] == "customize" for one in part["actions"]
        ]
        return tuple(str(one["path"]) for one in actions if one.get("path") and one["kind"] in _MADE)
    except (KeyError, TypeError) as error:
        raise ManifestUnreadable(manifest=path, detail=f"damaged: {error}") from error


def _load_manifest(path: str) -> Any:
    try:
        if os.path.getsize(path) > _LIMIT:
            raise ManifestUnreadable(manifest=path, detail="too large to be a manifest")
        with open(path, encoding="utf-8") as stream:
            body = json.load(stream)
        if body["kind"] != KIND_MANIFEST:
            raise ManifestUnreadable(manifest=path, detail="not a manifest of Guestwright")
    except OSError as error:
        raise ManifestUnreadable(manifest=path, detail=error.strerror or "cannot be read") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ManifestUnreadable(manifest=path, detail=f"damaged: {error}") from error
    return body


def _beside(image: str) -> str:
    """Beside an image file; for a block device in the working directory."""
    try:
        if stat.S_ISBLK(os.stat(image).st_mode):
            return os.path.basename(image) + _MANIFEST
    except OSError:
        pass  # a copy that is not there yet is going to be a file
    return image + _MANIFEST
