"""What the API counts about itself. Labels are names of ours: nothing that a caller or a guest chose."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS: Final = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0)


class Tally:
    """Counters of requests and streams.

    Args:
        registry: where they are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "guestwright_api_requests",
            "Requests that were answered.",
            ["operation", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "guestwright_api_request_seconds",
            "Time until the answer was sent.",
            ["operation"],
            registry=registry,
            buckets=_BUCKETS,
        )
        self._streams = Gauge(
            "guestwright_api_event_streams", "Event streams that are open.", registry=registry
        )
        self._missed = Counter(
            "guestwright_api_events_missed",
            "Events that were gone before a slow reader took them.",
            registry=registry,
        )

    def answered(self, operation: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(operation, f"{status // 100}xx").inc()
        self._seconds.labels(operation).observe(seconds)

    def opened(self) -> None:
        """An event stream has begun."""
        self._streams.inc()

    def closed(self) -> None:
        """An event stream has ended."""
        self._streams.dec()

    def missed(self, events: int) -> None:
        """A reader was too slow for some events."""
        self._missed.inc(events)
