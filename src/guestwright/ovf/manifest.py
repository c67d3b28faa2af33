"""The manifest of a package: a digest for each file (DSP0243, clause 5.1: `SHA1(file)= …`). Pure.

OVF 1.1 has SHA-1 only; `SHA256(file)= …` is what OVF 2 has, and every product of today reads: SHA-1 proves
nothing any more. Both are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from guestwright.base.record import record
from guestwright.ovf.errors import BadPackage, PackageChanged
from guestwright.ovf.names import plain_name

BYTES_MAX: Final = 1 << 20
_LINE: Final = re.compile(r"(SHA1|SHA256|SHA512)\s?\((.{1,200})\)\s?=\s?([0-9a-fA-F]{40,128})")
_HEX: Final = {"sha1": 40, "sha256": 64, "sha512": 128}


@record
class Digest:
    """Of a file: `algorithm` as `hashlib` calls it, and the digits."""

    algorithm: str
    digits: str


def write_manifest(digests: Mapping[str, str]) -> bytes:
    """A manifest.

    Args:
        digests: SHA-256 by name of the file.
    """
    return "".join(f"SHA256({name})= {digits}\n" for name, digits in digests.items()).encode()


def read_manifest(data: bytes) -> dict[str, Digest]:
    """Digests by name of the file.

    Raises:
        BadPackage: it is no manifest.
    """
    if len(data) > BYTES_MAX:
        raise BadPackage(problem="its manifest is too long")
    found: dict[str, Digest] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        if not line.strip():
            continue
        read = _LINE.fullmatch(line.strip())
        algorithm = read[1].lower() if read else ""
        if read is None or len(read[3]) != _HEX[algorithm]:
            raise BadPackage(problem=f"line {number} of its manifest is no digest of a file")
        name = plain_name(read[2])
        if name in found:
            raise BadPackage(problem=f"its manifest has {name} twice")
        found[name] = Digest(algorithm=algorithm, digits=read[3].lower())
    return found


def check_digest(name: str, expected: Digest, found: str) -> None:
    """Refuse a file that is not the one of the manifest.

    Raises:
        PackageChanged: so it is.
    """
    if expected.digits != found.lower():
        raise PackageChanged(file=name, found=found, expected=expected.digits)
