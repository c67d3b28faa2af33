"""Reading a machine's report."""

from __future__ import annotations

from lab.units import BEGIN, END
from tests.support.boot import parse

_REPORT = f"""noise
{BEGIN}
machine-id=0123
product-uuid=
key=256 SHA256:b root@vm (ED25519)
key=256 SHA256:a root@vm (ECDSA)
state=degraded
failed=x.service
multi-user.target=active
{END}
"""


def test_a_report_is_read() -> None:
    report = parse(_REPORT, 1.0)
    assert report.machine_id == "0123"
    assert report.fingerprints == ("256 SHA256:a root@vm (ECDSA)", "256 SHA256:b root@vm (ED25519)")
    assert report.failed_units == ("x.service",)
    assert report.units == {"multi-user.target": "active"}
    assert (report.state, report.product_uuid, report.hostname) == ("degraded", "", "")


def test_an_empty_report_is_empty() -> None:
    assert parse("", 0.0).machine_id == ""
