"""What must differ between two guests, hashed: the machine id, the SSH host keys.

The host compares these between guests to find clones that nobody sealed. The hash of the machine id has a
prefix of its own, so that it is not what other programs derive from it (machine-id(5) asks for that). FreeBSD
keeps a UUID in /etc/hostid.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64

from guestwright.agent.core.facts import Identity
from guestwright.base.digest import sha256

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from guestwright.agent.unix.files import Files

_SSH = "/etc/ssh"
_KEYS_MAX = 8
_PREFIX = b"guestwright machine-id\n"
_HEX = frozenset("0123456789abcdef")


def identity(files: Files) -> Identity:
    """Hashes of what is there."""
    machine = (files.text("/etc/machine-id", 64) or files.text("/etc/hostid", 64).replace("-", "")).lower()
    is_id = len(machine) == 32 and _HEX.issuperset(machine)
    keys = [one for one in files.names(_SSH) if one.startswith("ssh_host_") and one.endswith("_key.pub")]
    prints = [fingerprint(files.text(f"{_SSH}/{one}", 16384)) for one in keys[:_KEYS_MAX]]
    return Identity(
        machine_id=sha256(_PREFIX + machine.encode("ascii")).hexdigest() if is_id else "",
        ssh=tuple(one for one in prints if one),
    )


def fingerprint(line: str) -> str:
    """Type and fingerprint of a public key as `ssh-keygen -l` prints it; "" for what is no key."""
    words = line.split()
    if len(words) < 2:
        return ""
    try:
        key = a2b_base64(words[1].encode("ascii"))
    except (Error, UnicodeEncodeError):
        return ""
    return f"{words[0]} SHA256:{b2a_base64(sha256(key).digest(), newline=False).rstrip(b'=').decode('ascii')}"
