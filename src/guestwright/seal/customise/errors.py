"""What can go wrong with customising. Values that may be secret are never part of a message."""

from __future__ import annotations

from guestwright.base.errors import UnsupportedError, UsageError


class BadValue(UsageError):
    """A directive got something that it cannot work with."""

    code = "customise-bad-value"
    template = "{what}: {problem}"
    hint = "{expected}"


class BadOption(UsageError):
    """A customising option of the command line, or of a commands file, makes no sense."""

    code = "customise-bad-option"
    template = "{option}: {problem}"
    hint = "{advice}"


class PasswordOnCommandLine(UsageError):
    """A password was given as an argument; it is in the process list and the shell's history by now."""

    code = "password-on-command-line"
    template = "{option}: a password on the command line is visible to every user of this host"
    hint = "use file:PATH, fd:N, random or hash-file:PATH, and take the password just typed as burnt"


class NeedsRunningGuest(UsageError):
    """virt-sysprep runs this inside the guest; we run nothing of the guest."""

    code = "needs-running-guest"
    template = "{option} runs code of the guest, and sealing never does"
    hint = "run it at the clone's first boot: {instead}"


class HostFileUnreadable(UsageError):
    """A file of this host that an option names cannot be used."""

    code = "customise-host-file"
    template = "{option}: {path}: {detail}"
    hint = "name a regular file that you may read"


class GuestPathMissing(UsageError):
    """Something that a directive builds on is not in the guest."""

    code = "customise-guest-path"
    template = "{path} {problem}"
    hint = "{advice}"


class CustomiseUnsupported(UnsupportedError):
    """The guest has no place for what was asked."""

    code = "customise-unsupported"
    template = "{what}: {problem}"
    hint = "{advice}"


class EditRefused(UsageError):
    """An edit that would be unsafe, or would not come to rest."""

    code = "customise-edit-refused"
    template = "edit of {path}: {problem}"
    hint = "{advice}"
