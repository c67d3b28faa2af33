"""What QEMU is told about a drive."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest

from guestwright.hypervisor.drivers.libvirt.tray import open_tray
from guestwright.hypervisor.errors import DriveNotFound

TEXT = "<domain><devices><disk><target dev='hdc'/><alias name='ide0-1-0'/></disk></devices></domain>"


class Handle:
    def XMLDesc(self, flags: int) -> str:
        return TEXT


@pytest.mark.parametrize("force", [True, False])
def test_open_tray(monkeypatch: pytest.MonkeyPatch, force: bool) -> None:
    said: list[str] = []
    binding = SimpleNamespace(qemuMonitorCommand=lambda handle, text, flags: said.append(text))
    monkeypatch.setitem(sys.modules, "libvirt_qemu", binding)
    open_tray(Handle(), "d", "hdc", force=force)
    wanted = {"execute": "blockdev-open-tray", "arguments": {"id": "ide0-1-0", "force": force}}
    assert [json.loads(text) for text in said] == [wanted]
    with pytest.raises(DriveNotFound):
        open_tray(Handle(), "d", "hdd", force=force)
