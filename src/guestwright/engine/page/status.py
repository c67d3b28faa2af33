"""The status page: hosts, machines with what is known of their guests, jobs, and the last events."""

from __future__ import annotations

from typing import Final

from guestwright.engine.api.operations.alarms import claimants
from guestwright.engine.api.parts import Parts
from guestwright.engine.inventory.query import Query
from guestwright.engine.inventory.states import Power
from guestwright.engine.inventory.transaction import Transaction
from guestwright.engine.jobs.jobs import Jobs
from guestwright.engine.jobs.model import Job, Status
from guestwright.engine.page.html import ago, page, table, text

_HOSTS: Final = 100
_ALARMS: Final = 50
_VMS: Final = 500
_JOBS: Final = 50
_EVENTS: Final = 30
_FREQUENT: Final = frozenset(("facts-changed", "payload-use-changed"))  # they are in the table of machines
_ADDRESSES: Final = 6
_OPEN: Final = (Status.RUNNING, Status.COMPENSATING, Status.PENDING)


def status(parts: Parts, name: str) -> str:
    """The page.

    Args:
        parts: of the engine.
        name: of whom it is shown to.
    """
    now = parts.clock()
    with parts.database.read() as tx:
        shown = [_hosts(tx, now), _alarms(tx, now), _vms(tx, now), _templates(tx)]
        events, told = _events(tx, now)
    shown += [_jobs(parts.jobs, told, now), events]
    leave = (
        f'<form method="post" action="/logout"><span class="muted">{text(name)}, at this moment</span> '
        "<button>Log out</button></form>"
    )
    return page("Guestwright", leave + "".join(shown))


def _hosts(tx: Transaction, now: float) -> str:
    rows = [
        (one.name, one.state, one.reason, one.hypervisor, one.software, ago(now - one.changed))
        for one in tx.hosts.all(most=_HOSTS)
    ]
    return table("Hosts", ("name", "state", "reason", "hypervisor", "version", "so since"), rows)


def _alarms(tx: Transaction, now: float) -> str:
    """Identities that several machines claim; nothing while there are none."""
    found = tx.alarms.page(Query(limit=_ALARMS))
    if not found.items:
        return ""
    rows = []
    for one in found.items:
        names = " ".join(name or id_ for id_, name in claimants(tx, one).items())
        rows.append((one.kind, one.value, names, one.claimants, ago(now - one.created)))
    heads = ("identity", "value", "machines", "how many", "so since")
    more = f"the first {_ALARMS} of {tx.alarms.count()}" if found.cursor else ""
    return table("Claimed by several machines", heads, rows, more)


def _vms(tx: Transaction, now: float) -> str:
    found = tx.vms.page(Query(limit=_VMS))
    guests = tx.facts.guests([one.id for one in found.items])
    rows = []
    for vm in found.items:
        guest = guests[vm.id]
        addresses = " ".join(guest.addresses[:_ADDRESSES])
        seen = ago(now - guest.seen) if guest.seen else "never"
        agent = "-" if vm.power is Power.OFF else guest.agent
        rows.append((vm.name, vm.power, vm.state, agent, guest.hostname, guest.os, addresses, seen))
    heads = ("name", "power", "state", "agent", "host name", "system", "addresses", "last sign")
    more = f"the first {_VMS} of {tx.vms.count()}" if found.cursor else ""
    return table("Machines", heads, rows, more)


def _templates(tx: Transaction) -> str:
    names = {one.id: one.name for one in tx.templates.all(most=_HOSTS)}
    versions = [one for one in tx.template_versions.all(most=_HOSTS) if one.template_id in names]
    rows = [
        (names[one.template_id], one.number, one.state, "yes" if one.sealed else "no") for one in versions
    ]
    return table("Templates", ("name", "version", "state", "sealed"), rows)


def _events(tx: Transaction, now: float) -> tuple[str, list[str]]:
    """The last events, and the jobs among them, the newest first."""
    epoch, _, last = tx.events.token.rpartition(".")
    batch = tx.events.after(f"{epoch}.{max(0, int(last) - 10 * _EVENTS)}", most=10 * _EVENTS)
    newest = [one for one in batch.events[::-1] if one.kind not in _FREQUENT]
    told = list(dict.fromkeys(one.subject for one in newest if one.kind == "job-changed"))
    rows = [(ago(now - one.at), one.kind, one.body.get("name", ""), one.subject) for one in newest[:_EVENTS]]
    return table("Last events", ("ago", "what", "name", "of"), rows), told


def _jobs(jobs: Jobs, told: list[str], now: float) -> str:
    found: dict[str, Job] = {}
    for one in _OPEN:
        found |= {job.id: job for job in jobs.find(status=one, limit=_JOBS)}
    for id_ in told[:_JOBS]:
        found.setdefault(id_, jobs.get(id_))
    newest = sorted(found.values(), key=lambda job: job.id, reverse=True)[:_JOBS]
    rows = []
    for job in newest:
        share = f"{job.done} of {job.total}" if job.total else ""
        problem = str((job.error or {}).get("message", ""))
        rows.append((job.kind, job.status, job.step, share, job.note or problem, ago(now - job.created)))
    return table("Jobs", ("kind", "status", "step", "done", "note", "age"), rows, "open ones and the latest")
