"""Writes docs/host-api.json, the OpenAPI document of the host service; `--check` only compares.

Exit status 1 with --check when it differs: a change of the API is a change of that file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
from prometheus_client import CollectorRegistry

from guestwright.host.api.app import description
from guestwright.host.api.operations.everything import all_endpoints
from guestwright.host.api.parts import Parts
from guestwright.host.api.tally import Tally
from guestwright.host.volumes.kinds import kinds

PAGE = ROOT / "docs" / "host-api.json"


def page() -> str:
    """The document as it should be."""
    nothing: Any = None  # the parts are asked only when an operation is called
    parts = Parts(
        service=nothing,
        journal=nothing,
        jobs=nothing,
        submitted=[one.name for one in kinds({})],
        storages={},
        hypervisor=nothing,
        connect=nothing,
        payloads=nothing,
        syspreps=nothing,
    )
    registry = CollectorRegistry()
    return json.dumps(description(all_endpoints(parts, Tally(registry)), registry), indent=1) + "\n"


def main() -> int:
    """Write the page, or compare it."""
    text = page()
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text() != text:
            print("docs/host-api.json is not what the API is; run tools/gen_host_api.py")
            return 1
        return 0
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
