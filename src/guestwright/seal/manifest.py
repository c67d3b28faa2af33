"""The manifest: what a run did to which images, as JSON (schema in docs/manifest.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guestwright import __version__
from guestwright.base.ids import RunId
from guestwright.base.record import asdict
from guestwright.seal.plan import SCHEMA_VERSION, Plan, image_json, to_json

KIND_PLAN: Final = "guestwright.seal.plan"
KIND_MANIFEST: Final = "guestwright.seal.manifest"


def describe(plan: Plan) -> dict[str, Any]:
    """What plans, manifests and the verify report have in common."""
    return {
        "schema": SCHEMA_VERSION,
        "guestwright": __version__,
        "images": image_json(plan.images),
        "guest": {**asdict(plan.guest), "mounts": dict(plan.guest.mounts)},
        "operations": [to_json(one) for one in plan.operations],
        "totals": plan.totals,
        "notes": list(plan.notes),
        "digest": plan.digest,
    }


def saved_plan(plan: Plan) -> dict[str, Any]:
    """The JSON form of a plan that `seal run --plan` takes. Holds password hashes if any were asked for."""
    return {"kind": KIND_PLAN, **describe(plan), "request": plan.request.to_json()}


def manifest(
    plan: Plan, *, run: RunId, started: str, seconds: Mapping[str, float], written: int
) -> dict[str, Any]:
    """The JSON form of what was done.

    Args:
        plan: as carried out, with the checks' verdicts.
        run: id of this run.
        started: time of the start, ISO 8601 with offset.
        seconds: wall time of each phase.
        written: bytes written to the images.
    """
    return {
        "kind": KIND_MANIFEST,
        "run": run,
        "started": started,
        **describe(plan),
        "checks": [asdict(one) for one in plan.checks],
        "bytes_written": written,
        "seconds": {name: round(value, 4) for name, value in seconds.items()},
    }
