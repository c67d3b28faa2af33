"""Public keys for authorized_keys (sshd(8), AUTHORIZED_KEYS FILE FORMAT), without options.

Options such as `command=` are refused: a key that comes with them does something else than let its holder in,
and somebody who pastes a key does not see it.
"""

from __future__ import annotations

import binascii
from typing import Final

from guestwright.base.record import record
from guestwright.seal.customise.errors import BadValue

MAX_KEYS: Final = 64
MAX_TEXT: Final = 256 * 1024
MAX_LINE: Final = 16 * 1024
TYPES: Final = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
_EXPECTED: Final = "expected one line of a .pub file, such as `ssh-ed25519 AAAA… name`, without options"


@record(kw_only=False)
class PublicKey:
    """One key: type, base64 data, comment."""

    type: str
    data: str
    comment: str

    @property
    def line(self) -> str:
        """As it stands in authorized_keys, without a line feed."""
        return " ".join(part for part in (self.type, self.data, self.comment) if part)


def parse_keys(text: str) -> tuple[PublicKey, ...]:
    """Read public keys, one a line; empty lines and lines that begin with # are skipped.

    Raises:
        BadValue: no key, too many, or a line that is none.
    """
    if len(text) > MAX_TEXT:
        raise BadValue(what="SSH keys", problem="the text is too long", expected=_EXPECTED)
    lines = [line.strip() for line in text.replace("\r\n", "\n").split("\n")]
    keys = tuple(_key(line) for line in lines if line and not line.startswith("#"))
    if not 0 < len(keys) <= MAX_KEYS:
        raise BadValue(what="SSH keys", problem=f"{len(keys)} keys", expected=f"expected 1 to {MAX_KEYS}")
    return keys


def _key(line: str) -> PublicKey:
    if len(line) > MAX_LINE or not line.isprintable():
        raise BadValue(what="SSH key", problem="too long, or with control characters", expected=_EXPECTED)
    if "PRIVATE KEY" in line:
        raise BadValue(what="SSH key", problem="this is a private key", expected=_EXPECTED)
    kind, _, rest = line.partition(" ")
    data, _, comment = rest.strip().partition(" ")
    if kind not in TYPES:
        problem = "it does not begin with a key type that is known and safe"
        raise BadValue(what="SSH key", problem=problem, expected=f"{_EXPECTED}; types: {', '.join(TYPES)}")
    try:
        blob = binascii.a2b_base64(data.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        raise BadValue(what="SSH key", problem="its data is not base64", expected=_EXPECTED) from None
    head = len(kind).to_bytes(4, "big") + kind.encode(
        "ascii"
    )  # RFC 4253 section 6.6: the type stands inside too
    if not blob.startswith(head) or len(blob) < len(head) + 32:
        raise BadValue(what="SSH key", problem="its data is not that of its type", expected=_EXPECTED)
    return PublicKey(kind, data, comment.strip())
