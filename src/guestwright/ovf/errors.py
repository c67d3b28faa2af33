"""What can be wrong with a package that somebody gives us."""

from __future__ import annotations

from guestwright.base.errors import UnsupportedError, UsageError


class BadDescriptor(UsageError):
    """The descriptor of an OVF package breaks the rules of the format, or our limits."""

    code = "ovf-descriptor-bad"
    template = "the OVF descriptor: {problem}"


class BadPackage(UsageError):
    """An OVF package is damaged, or has names or files that no package may have."""

    code = "ovf-package-bad"
    template = "the OVF package: {problem}"


class PackageChanged(UsageError):
    """A file of an OVF package is not the one that its manifest tells of."""

    code = "ovf-digest-differs"
    template = "{file}: its digest is {found}, the manifest says {expected}"
    hint = "The package was damaged or changed after it was made; get it again."


class UnsupportedPackage(UnsupportedError):
    """The package is sound, but asks for what there is not here."""

    code = "ovf-unsupported"
    template = "{what} is not supported: {problem}"
