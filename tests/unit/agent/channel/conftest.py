from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.agent_line import Host


@pytest.fixture
def make(request: pytest.FixtureRequest) -> Callable[..., Host]:
    def one(**differences: Any) -> Host:
        host = Host(**differences)
        request.addfinalizer(host.close)
        host.session.start()
        host.turn()
        return host

    return one
