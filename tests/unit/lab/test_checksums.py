"""CRC-32C as ext4 uses it, against published values."""

from __future__ import annotations

import pytest

from lab.checksums import crc32c

_MASK = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "expected"),
    [  # RFC 3720, appendix B.4
        pytest.param(bytes(32), 0x8A9136AA, id="zeros"),
        pytest.param(b"\xff" * 32, 0x62A8AB43, id="ones"),
        pytest.param(bytes(range(32)), 0x46DD794E, id="counting"),
        pytest.param(b"123456789", 0xE3069283, id="check"),
    ],
)
def test_crc32c(data: bytes, expected: int) -> None:
    assert crc32c(data) ^ _MASK == expected
