"""The verbs that take long, as kinds of jobs: from JSON to a call, from its end to JSON.

All may be run again after a kill: each verb finds what an earlier attempt of its job has done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

from guestwright.base.record import asdict
from guestwright.host.jobs.errors import BadJob
from guestwright.host.jobs.kind import Kind as JobKind
from guestwright.host.jobs.kind import Work
from guestwright.host.jobs.model import Restart
from guestwright.host.volumes import copy, create, measure, seal, upload
from guestwright.host.volumes.clean import listing
from guestwright.host.volumes.delete import delete
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.download import Download
from guestwright.host.volumes.errors import NoSuchDomain
from guestwright.host.volumes.mark import mark
from guestwright.host.volumes.metadata import Format, Holder, Kind
from guestwright.host.volumes.rules import Standing
from guestwright.host.volumes.seal import Seal

Choice = TypeVar("Choice", bound=StrEnum)
Domains = Mapping[str, Domain]
Alive = Callable[[], Collection[str]]
ITEMS_MAX: Final = 500
_TYPES: Final[Mapping[str, type]] = {
    "domain": str,
    "source_domain": str,
    "source": str,
    "volume": str,
    "format": str,
    "target": str,
    "kind": str,
    "parent": str,
    "description": str,
    "size": int,
    "generation": int,
    "ticket": str,
    "volumes": list,
    "generations": list,
    "operations": str,
    "options": dict,
    "root": str,
    "shared": bool,
    "legal": bool,
    "seal": bool,
    "standing": str,
}


class _Verbs:
    """The verbs over some domains."""

    def __init__(self, domains: Domains, clock: Callable[[], float], alive: Alive) -> None:
        self._domains = domains
        self._clock = clock
        self._alive = alive

    def create(self, work: Work) -> Any:
        given = _given(work, "domain", "volume", "format", maybe=("size", "parent", "description", "seal"))
        wanted = create.Create(
            volume=given["volume"],
            format=_one_of(work, Format, given["format"]),
            size=given.get("size", 0),
            parent=given.get("parent", ""),
            description=given.get("description", ""),
            seal=given.get("seal", False),
        )
        return asdict(create.create(self._domain(given["domain"]), wanted, work, now=self._clock()))

    def copy(self, work: Work) -> Any:
        maybe = ("source_domain", "format", "kind", "description", "seal")
        given = _given(work, "domain", "source", "volume", maybe=maybe)
        wanted = copy.Copy(
            source=given["source"],
            volume=given["volume"],
            format=_one_of(work, Format, given["format"]) if given.get("format") else None,
            kind=_one_of(work, Kind, given.get("kind", Kind.LEAF)),
            description=given.get("description", ""),
            seal=given.get("seal", False),
        )
        source = self._domain(given.get("source_domain") or given["domain"])
        made, copied = copy.copy(source, self._domain(given["domain"]), wanted, work, now=self._clock())
        return {"volume": asdict(made), "method": str(copied.method), "moved": copied.moved}

    def unmake(self, work: Work) -> None:
        given = work.job.parameters
        for verb in (create.VERB, copy.VERB):
            holder = Holder(job=work.job.id, attempt=work.job.attempt, verb=verb)
            self._domain(given["domain"]).abandon(given["volume"], holder)

    def seal(self, work: Work) -> Any:
        domain, wanted = self._to_seal(work)
        return seal.seal(domain, wanted, work)

    def unseal(self, work: Work) -> None:
        domain, wanted = self._to_seal(work)
        seal.undo(domain, wanted, work)

    def _to_seal(self, work: Work) -> tuple[Domain, Seal]:
        maybe = ("generations", "operations", "options", "root", "shared", "legal")
        given = _given(work, "domain", "volumes", maybe=maybe)
        volumes, generations = given["volumes"], given.get("generations", [])
        if not all(type(one) is str for one in volumes) or not all(type(one) is int for one in generations):
            raise BadJob(job=work.job.id, problem="volumes are names, generations are whole numbers")
        wanted = Seal(
            volumes=tuple(volumes),
            generations=tuple(generations),
            operations=given.get("operations", ""),
            options=given.get("options", {}),
            root=given.get("root", ""),
            shared=given.get("shared", True),
            legal=given.get("legal", True),
        )
        return self._domain(given["domain"]), wanted

    def mark(self, work: Work) -> Any:
        given = _given(work, "domain", "volume", "standing")
        standing = _one_of(work, Standing, given["standing"])
        return asdict(mark(self._domain(given["domain"]), given["volume"], standing))

    def delete(self, work: Work) -> Any:
        given = _given(work, "domain", "volume", maybe=("generation",))
        return {"deleted": delete(self._domain(given["domain"]), given["volume"], given.get("generation"))}

    def finish_upload(self, work: Work) -> Any:
        given = _given(work, "domain", "volume", "ticket")
        return asdict(upload.finish(self._domain(given["domain"]), given["volume"], given["ticket"], work))

    def checksum(self, work: Work) -> Any:
        given = _given(work, "domain", "volume")
        with Download(self._domain(given["domain"]), given["volume"]) as found:
            return {"sha256": found.sha256(work), "size": found.size, "tag": found.tag}

    def measure(self, work: Work) -> Any:
        given = _given(work, "domain", "volume", maybe=("target",))
        target = _one_of(work, Format, given["target"]) if given.get("target") else None
        return asdict(measure.measure(self._domain(given["domain"]), given["volume"], target, work))

    def cleaning(self, work: Work) -> Any:
        given = _given(work, "domain")
        found = listing(self._domain(given["domain"]), self._alive())
        return {"items": [asdict(one) for one in found[:ITEMS_MAX]], "more": max(0, len(found) - ITEMS_MAX)}

    def _domain(self, name: str) -> Domain:
        found = self._domains.get(name)
        if found is None:
            raise NoSuchDomain(domain=name[:80])
        return found


def kinds(
    domains: Domains, clock: Callable[[], float] = time.time, alive: Alive = lambda: ()
) -> list[JobKind]:
    """All kinds of jobs about volumes; docs/volumes.md lists their parameters and results.

    Args:
        domains: by name; looked up when a job runs.
        clock: seconds since 1970.
        alive: ids of the jobs that have not ended.
    """
    verbs = _Verbs(domains, clock, alive)
    again = Restart.RESUME
    return [
        JobKind(name="volume.create", run=verbs.create, restart=again, undo=verbs.unmake),
        JobKind(name="volume.copy", run=verbs.copy, restart=again, undo=verbs.unmake),
        JobKind(name="volume.seal", run=verbs.seal, restart=again, undo=verbs.unseal),
        JobKind(name="volume.mark", run=verbs.mark, restart=again),
        JobKind(name="volume.delete", run=verbs.delete, restart=again),
        JobKind(name="volume.upload-finish", run=verbs.finish_upload, restart=again),
        JobKind(name="volume.checksum", run=verbs.checksum, restart=again),
        JobKind(name="volume.measure", run=verbs.measure, restart=again),
        JobKind(name="volume.cleaning", run=verbs.cleaning, restart=again),
    ]


def _given(work: Work, *needed: str, maybe: tuple[str, ...] = ()) -> Mapping[str, Any]:
    """The parameters of a job, each of its type, none missing, none unknown."""
    given = work.job.parameters
    missing = [name for name in needed if name not in given]
    unknown = [name for name in given if name not in {*needed, *maybe}]
    wrong = [name for name, value in given.items() if name in _TYPES and type(value) is not _TYPES[name]]
    for what, names in (("missing", missing), ("unknown", unknown), ("of the wrong type", wrong)):
        if names:
            raise BadJob(job=work.job.id, problem=f"parameters {what}: {', '.join(names)[:200]}")
    return given


def _one_of(work: Work, kind: type[Choice], value: str) -> Choice:
    try:
        return kind(value)
    except ValueError as error:
        problem = f"{value[:80]!r}: expected one of {', '.join(kind)}"
        raise BadJob(job=work.job.id, problem=problem) from error
