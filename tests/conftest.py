"""What holds for all tests."""

from __future__ import annotations

import faulthandler
import os
import signal
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import settings

from tests.support.scheduling import ModulesTogether

# A shell starts what runs in its background with SIGINT ignored, and that is inherited; tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: machines differ. In CI the same examples each time, so that a red build is red for a reason.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if "CI" in os.environ else "here")

_GRACE: Final = 60.0  # seconds in which a test that pytest-timeout interrupted may clean up
_STDERR: Final = pytest.StashKey[int]()
_CRASHED: Final = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep the standard error stream that tests do not capture; SIGUSR1 shows on it where all threads are."""
    config.stash[_STDERR] = os.dup(2)
    faulthandler.register(signal.SIGUSR1, file=config.stash[_STDERR])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """End the process when a test goes on although its time is up: a failure is better than no end.

    pytest-timeout interrupts once; what then waits for a child, or does not come back from C, waits for ever.
    """
    _end_after(item, _limit(item) + _GRACE)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: pytest.Item | pytest.Collector) -> None:
    """Set the hard end again: pytest's own plugin takes it away at each failure, and clean-up may hang."""
    if isinstance(node, pytest.Item):
        _end_after(node, _limit(node) + _GRACE)


def _limit(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker else float(item.config.getini("timeout"))


def _end_after(item: pytest.Item, seconds: float) -> None:
    faulthandler.dump_traceback_later(seconds, exit=True, file=item.config.stash[_STDERR])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ModulesTogether | None:
    """Whole modules to each process, and modules that share a machine to the same."""
    return ModulesTogether(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Note that a process died: what it had not run yet is lost with it."""
    if error:
        node.config.stash[_CRASHED] = True


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let a run that lost tests end with another status than one where tests failed."""
    if session.config.stash.get(_CRASHED, False):
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR


_LONG_FIRST = (
    "tests/machine/xen/",
    "tests/machine/",
    "tests/system/lab/",
    "tests/system/seal/",
    "tests/system/",
    "tests/contract/",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long modules first, so that two processes end together; in each part the shuffled order stays."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    return next((n for n, part in enumerate(_LONG_FIRST) if item.nodeid.startswith(part)), len(_LONG_FIRST))
