"""The configuration that guests get says what the program does."""

from __future__ import annotations

import re

from guestwright.agent.config import FEATURES, Config, parse
from guestwright.agent.package import contents

SHIPPED = contents.config().decode()


def test_it_changes_nothing() -> None:
    config = Config(parse(SHIPPED))
    assert config.features == FEATURES
    assert not config.services


def test_every_switch_is_there_with_its_default() -> None:
    shown = dict(re.findall(r"^# ([a-z-]+) = (true|false)\b", SHIPPED, re.MULTILINE))
    assert shown == {name: str(value).lower() for name, value in FEATURES.items()}


def test_what_is_commented_out_is_understood() -> None:
    lines = [re.sub(r"^# (?=\[|[a-z-]+ = )", "", line) for line in SHIPPED.splitlines()]
    config = Config(parse("\n".join(lines)))
    assert config.features == FEATURES
    assert config.services["uptime"].command == ["/usr/bin/uptime"]
