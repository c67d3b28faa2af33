"""The agent in a real Debian, which sealing put there, over a virtio-serial port to our server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.machine.agent import debian
from tests.machine.agent.checks import CHECKS
from tests.machine.agent.scenario import Seen
from tests.support.tools import needs

pytestmark = [
    pytest.mark.machine,
    pytest.mark.timeout(1500),
    needs("qemu-system-x86_64", "mmdebstrap", "mke2fs", "debugfs", "setpriv"),
]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """One boot for all tests of this module, which stay together."""
    return debian.visit(tmp_path_factory.mktemp("debian"))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_agent(seen: Seen, check: Callable[[Seen], None]) -> None:
    check(seen)


def test_disks_are_heard_of(seen: Seen) -> None:
    plugged = seen["heard"]["plugged"]
    (path,) = (path for path, value in plugged.items() if value == debian.SERIAL)
    assert int(plugged[path.replace("/serial", "/size")]) == 64 << 20
    disks = [path for path in plugged if path.startswith("data/guestwright/disks/")]
    left = [path for path in seen["heard"]["unplugged"] if path.startswith("data/guestwright/disks/")]
    assert len(left) < len(disks)


def test_logins_and_settings_are_heard_of(seen: Seen) -> None:
    assert seen["heard"]["zone"]["data/guestwright/host/timezone"] == debian.ZONE
    login = seen["heard"]["login"]
    assert next(path for path, value in login.items() if value == debian.USER).endswith("/name")


def test_its_service_runs_and_no_other_suffers(seen: Seen) -> None:
    assert seen["unit"] == ["active", "enabled"]
    assert seen["failed"] == ""
    assert "guestwright-agent.service" in seen["wanted"]


def test_its_package_starts_it_and_takes_it_away(seen: Seen) -> None:
    assert seen["package"] == ["active", "enabled", "inactive"]
