"""How a guest's answer to a change of its settings is told."""

from __future__ import annotations

from typing import Any

from guestwright.base.printable import printable
from guestwright.cli.output import print_json, say


def answered(params: dict[str, Any], setting: str, text: str, done: str) -> None:
    """The answer as JSON, or a line.

    Args:
        params: of `service_options`.
        setting: what was changed.
        text: what the guest has to say; "" when nothing.
        done: what to say when it says nothing.
    """
    if params["as_json"]:
        print_json({"kind": "guestwright.host.setting", "schema": 1, "setting": setting, "text": text})
        return
    say(printable(text or done))
