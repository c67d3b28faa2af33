"""What can go wrong with passwords. No message ever holds a password or a hash."""

from __future__ import annotations

from guestwright.base.errors import UnsupportedError, UsageError


class PasswordUnusable(UsageError):
    """A password that crypt(3) cannot take."""

    code = "password-unusable"
    template = "the password cannot be used: {problem}"
    hint = "expected 1 to 511 bytes on one line, without NUL"


class HashUnusable(UsageError):
    """Text given as a password hash that is none, or a weak one."""

    code = "password-hash-unusable"
    template = "not a usable password hash: {problem}"
    hint = "make one with `mkpasswd -m sha-512` or `openssl passwd -6 -stdin`"


class YescryptUnavailable(UnsupportedError):
    """The host cannot make yescrypt hashes."""

    code = "yescrypt-unavailable"
    template = "this host's libcrypt cannot make yescrypt hashes"
    hint = "use --password-crypto sha512, which every Linux guest understands"


class HashUnsupported(UnsupportedError):
    """The guest is too old for this kind of hash: nobody could log in."""

    code = "password-hash-unsupported"
    template = "{guest} does not understand {scheme} password hashes"
    hint = "use --password-crypto sha512"


class NoShadowFile(UnsupportedError):
    """The guest keeps its passwords elsewhere."""

    code = "no-shadow-file"
    template = "the guest has no /etc/shadow, so its passwords cannot be set"
    hint = "only Linux guests with shadow passwords are supported"


class UserUnknown(UsageError):
    """No such account in the guest."""

    code = "guest-user-unknown"
    template = "the guest has no user {user} in {file}"
    hint = "create the account first; sealing changes existing accounts only"
