"""Values become what they should be in one module only: msgspec alone is not safe in threads."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ALLOWED = ROOT / "src" / "guestwright" / "http_api" / "shapes.py"
_TYPED = re.compile(r"msgspec\.convert\(|msgspec\.json\.decode\([^)]*type=|Decoder\(")


def test_types_are_learned_by_one_thread_at_a_time() -> None:
    using = {
        path
        for path in (ROOT / "src").rglob("*.py")
        if "msgspec" in (text := path.read_text()) and _TYPED.search(text)
    }
    assert using == {ALLOWED}
