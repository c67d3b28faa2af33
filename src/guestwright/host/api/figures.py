"""The service's figures for Prometheus. Labels are states of ours: nothing that a guest or a caller chose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from guestwright.host.jobs.jobs import Jobs
from guestwright.host.journal import Journal
from guestwright.host.service.port import AboutHost, Figures, HostService

_COUNTERS: Final = {
    "touches": "Changes in the store that were told.",
    "looks": "Times that a guest was read because of them.",
    "nodes_read": "Nodes of the store that were asked for.",
    "whole_reads": "Guests that were read as a whole.",
    "facts_changed": "Events of facts.",
    "hypervisor_losses": "Times that the hypervisor went away.",
    "store_losses": "Times that the store went away.",
}
_GAUGES: Final = {
    "refused": "Keys of guests that are not looked at, now.",
    "duplicates": "Identities that several domains claim, now.",
}
_STATES: Final = {
    "domains": ("power", "Domains by power state."),
    "agents": ("state", "Agents of running domains by state."),
    "channels": ("state", "Channels of agents by state."),
}


class HostCollector(Collector):
    """Asks the service when it is asked.

    Args:
        service: whose figures.
        journal: of the service.
        jobs: of the service; None without them.
    """

    def __init__(self, service: HostService, journal: Journal, jobs: Jobs | None) -> None:
        self._service = service
        self._journal = journal
        self._jobs = jobs

    def describe(self) -> Iterator[Metric]:
        """Nothing: the service is not asked while it is put together."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """All families."""
        figures, about = self._service.figures(), self._service.about()
        yield from _of_service(figures)
        yield from _of_host(about)
        token = self._journal.token
        yield CounterMetricFamily("guestwright_events", "Events that were published.", value=token.sequence)
        yield GaugeMetricFamily(
            "guestwright_event_readers", "Readers of events.", value=self._journal.readers
        )
        if self._jobs is not None:
            counts: dict[str, int] = {}
            for job in self._jobs.all():
                counts[job.status] = counts.get(job.status, 0) + 1
            yield _by("jobs", "status", "Jobs that are kept, by status.", counts)


def _of_service(figures: Figures) -> Iterator[Metric]:
    for name, (label, text) in _STATES.items():
        yield _by(name, label, text, getattr(figures, name))
    for name, text in _COUNTERS.items():
        yield CounterMetricFamily(f"guestwright_{name}", text, value=getattr(figures, name))
    for name, text in _GAUGES.items():
        yield GaugeMetricFamily(f"guestwright_{name}", text, value=getattr(figures, name))
    delays = sorted(figures.delay_seconds)
    if delays:
        family = GaugeMetricFamily(
            "guestwright_look_delay_seconds",
            "From a change in the store to the end of the look, of the last looks.",
            labels=["quantile"],
        )
        for quantile in (0.5, 0.9, 0.99, 1.0):
            family.add_metric([f"{quantile:g}"], delays[min(len(delays) - 1, int(quantile * len(delays)))])
        yield family


def _of_host(about: AboutHost) -> Iterator[Metric]:
    info = GaugeMetricFamily(
        "guestwright_info", "Versions.", labels=["version", "hypervisor", "hypervisor_version", "store"]
    )
    info.add_metric([about.version, about.hypervisor, about.hypervisor_version, about.store], 1)
    yield info
    for name, lost in (("hypervisor", about.hypervisor_lost), ("store", about.store_lost)):
        yield GaugeMetricFamily(f"guestwright_{name}_up", f"Whether the {name} answers.", value=lost is None)
    yield GaugeMetricFamily(
        "guestwright_start_time_seconds", "Start, seconds since 1970.", value=about.started
    )


def _by(name: str, label: str, text: str, counts: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(f"guestwright_{name}", text, labels=[label])
    for state, count in sorted(counts.items()):
        family.add_metric([state], count)
    return family
