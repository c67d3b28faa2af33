"""Where a password comes from: the part after `--root-password` or `--password USER:`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from guestwright.base.record import record
from guestwright.base.secret import Secret
from guestwright.seal.customise.directives import SetPassword
from guestwright.seal.customise.errors import BadOption, PasswordOnCommandLine
from guestwright.seal.customise.local import first_line, first_line_of_descriptor
from guestwright.seal.passwords.generate import random_password
from guestwright.seal.passwords.hashing import RANDOM_BYTES, Scheme, check_hash, hash_password

EXPECTED: Final = (
    "expected file:PATH, fd:N, random, hash:TEXT, hash-file:PATH, disabled, or locked, or locked: before one "
    "of the first five"
)
DISABLED: Final = "*"
LOCK: Final = "!"


@record
class GeneratedPassword:
    """A password that was made up: to be shown to the user once, and kept nowhere."""

    user: str
    password: Secret


@dataclass(slots=True, kw_only=True)
class Context:
    """What the directives of one command line share.

    Attributes:
        random_bytes: cryptographic source (os.urandom).
        today: days since 1970-01-01, for "last change" in /etc/shadow.
        home: home directory of whoever seals, for their public key.
        scheme: the kind of hash to make.
        generated: passwords that were made up so far.
        nested: whether a commands file is being read.
    """

    random_bytes: Callable[[int], bytes]
    today: int
    home: str
    scheme: Scheme = Scheme.SHA512
    generated: list[GeneratedPassword] = field(default_factory=list)
    nested: bool = False


def select_password(option: str, user: str, selector: str, context: Context) -> SetPassword:
    """Turn a selector into a directive; the password itself is hashed here and then forgotten.

    Raises:
        PasswordOnCommandLine: `password:TEXT`.
        BadOption: an unknown selector. What was given is not repeated: it may be a password.
        HostFileUnreadable: of `file:` and the like.
        PasswordUnusable, HashUnusable, YescryptUnavailable: see `guestwright.seal.passwords`.
    """
    if selector == "disabled":
        value = DISABLED
    elif selector in {"locked", "lock"}:
        value = LOCK + DISABLED
    else:
        head, _, rest = selector.partition(":")
        locked = head in {"locked", "lock"}
        value = (LOCK if locked else "") + _hash(option, user, rest if locked else selector, context)
    return SetPassword(user=user, hash=value, day=context.today)


def _hash(option: str, user: str, selector: str, context: Context) -> str:
    kind, _, rest = selector.partition(":")
    match kind:
        case "random" if not rest:
            made = random_password(context.random_bytes)
            context.generated.append(GeneratedPassword(user=user, password=made))
            return _hashed(made, context)
        case "file" if rest:
            return _hashed(first_line(option, rest), context)
        case "fd" if rest.isascii() and rest.isdigit() and len(rest) <= 5:
            return _hashed(first_line_of_descriptor(option, int(rest)), context)
        case "hash" if rest:
            return check_hash(rest)
        case "hash-file" if rest:
            return check_hash(first_line(option, rest).reveal().strip())
        case "password":
            raise PasswordOnCommandLine(option=option)
        case _:
            raise BadOption(option=option, problem="unknown password selector", advice=EXPECTED)


def _hashed(password: Secret, context: Context) -> str:
    return hash_password(password, context.random_bytes(RANDOM_BYTES), context.scheme)
