"""The guide's examples: the configuration is one, and the table of features is complete."""

from __future__ import annotations

import re
from pathlib import Path

from guestwright.agent.actions.registry import ACTIONS
from guestwright.agent.config import FEATURES, Config, parse

GUIDE = (Path(__file__).parents[3] / "docs" / "agent.md").read_text("utf-8")


def test_the_configuration_in_the_guide_is_one() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    config = Config(parse(text))
    assert config.features == {**FEATURES, "exec": True}
    assert config.services["backup"].user == "backup"


def test_the_python_in_the_guide_compiles() -> None:
    for text in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL):
        compile(text, "guide", "exec")


def test_every_feature_is_in_the_guide() -> None:
    for action in ACTIONS:
        for feature in action.features:
            assert f"`{feature}`" in GUIDE
        assert action.switch in FEATURES
