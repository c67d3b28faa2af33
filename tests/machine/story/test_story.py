"""`make demo` on real machines: adopted, listened to, made a template, cloned with payloads, sysprepped."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.program import environment
from tests.support.tools import needs

pytestmark = [
    pytest.mark.machine,
    pytest.mark.timeout(1800),
    needs("libvirtd", "virtlogd", "virsh", "qemu-system-x86_64", "mmdebstrap", "grub-mkimage", "ip"),
    pytest.mark.skipif(os.geteuid() != 0 and "CI" not in os.environ, reason="the system's libvirt is root's"),
]

_STORY = Path(__file__).parents[3] / "lab" / "story.py"
_PATIENCE = 1700  # seconds; 200 on an idle machine
_TIDY = 120


def test_the_story_is_told_to_its_end(tmp_path: Path) -> None:
    report = tmp_path / "report"
    with subprocess.Popen(
        [sys.executable, str(_STORY), "--report", str(report)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
    ) as process:
        try:
            said, _ = process.communicate(timeout=_PATIENCE)
        finally:
            if process.poll() is None:  # it takes its machines, daemons and bridge along
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(_TIDY)
                finally:
                    process.kill()
    assert process.returncode == 0, said
    told = report.read_text()
    _, _, _, _, booted, template, machines, sysprepped, _ = told.split("\n# ")
    assert "agent 0.1.0" in booted
    assert "name Debian GNU/Linux 12 (bookworm)" in booted
    assert re.search(r"job \w+: done\n +template ", template), template
    assert "Two machines: names, machine ids, host keys and addresses differ" in machines
    assert re.search(r"web-1 +ready +running +live +Debian .* 192\.0\.2\.1\b", machines), machines
    assert re.search(r"web-2 +ready +running +live +Debian .* 192\.0\.2\.2\b", machines), machines
    assert "sysprep of web-2: done" in sysprepped
    assert re.search(r"web-2 +ready +off ", sysprepped), sysprepped
    assert len(re.findall(r"template\.create +done|vm\.create +done", sysprepped)) == 3, sysprepped
    left = subprocess.run(
        ["pgrep", "-f", "qemu-system-x86_64.*guest=(golden|web-[12])"], stdout=subprocess.PIPE, check=False
    )
    assert left.stdout == b""
