"""What can go wrong when a process is confined or a host tool is run."""

from __future__ import annotations

from guestwright.base.errors import GuestwrightError, UnsupportedError


class ConfinementMissing(UnsupportedError):
    """The kernel offers neither of the two protections of which one must hold."""

    code = "confinement-missing"
    template = "this host cannot confine {what}: {detail}"
    hint = (
        "run on Linux 5.13 or newer with Landlock (lsm=…,landlock), or as root with mount namespaces; guest "
        "data is never parsed unconfined unless that is asked for"
    )


class ToolMissing(UnsupportedError):
    """A program that the request needs is not installed."""

    code = "tool-missing"
    template = "the program {tool} is not on this host"
    hint = "install it (on Debian: package {package})"


class ToolNotStarted(GuestwrightError):
    """The child failed between fork and exec."""

    code = "tool-not-started"
    template = "could not start {tool}: {stage}: {detail}"
    hint = "docs/security.md lists what the kernel must offer, and what holds without it"


class ToolTimedOut(GuestwrightError):
    """The tool was still running at its deadline."""

    code = "tool-timed-out"
    template = "{tool} was still running after {seconds} s and was ended"
    hint = "an image made to keep tools busy looks like this; for a large and healthy one, allow more time"
