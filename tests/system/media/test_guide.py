"""The example in docs/media.md does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.media import by_xorriso
from tests.support.tools import needs

PAGE = Path(__file__).parents[3] / "docs" / "media.md"


@pytest.mark.system
@needs("xorriso")
def test_the_example_makes_a_cd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "large.msi").write_bytes(b"m" * 5000)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    code = code.replace("/run/payloads", str(tmp_path)).replace("/srv", str(tmp_path))
    monkeypatch.setattr("os.fchown", lambda *_: None)
    exec(compile(code, PAGE.name, "exec"), {})
    assert by_xorriso(tmp_path / "vm.iso", tmp_path / "out") == {
        "/user-data": b"#cloud-config\n",
        "/meta-data": b"instance-id: i-1\n",
        "/drivers": None,
        "/drivers/large.msi": b"m" * 5000,
    }
