"""What the guest calls itself, and its time zone; nobody is asked over the network."""

from __future__ import annotations

import os
import time

from guestwright.agent.core.facts import Host

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from guestwright.agent.unix.files import Files

_ZONES = "zoneinfo/"


def host(files: Files) -> Host:
    """Names and zone."""
    node = files.text("/proc/sys/kernel/hostname", 256) or os.uname().nodename
    name, _, domain = node.partition(".")
    time.tzset()
    return Host(
        name=name,
        domain=domain or _domain(name, files),
        timezone=_zone(files),
        utc_offset=time.localtime().tm_gmtoff,
    )


def _domain(name: str, files: Files) -> str:
    """The DNS domain, as /etc/hosts has it for this host, or else resolv.conf."""
    for line in files.text("/etc/hosts").splitlines()[:1000]:
        names = line.partition("#")[0].split()[1:]
        if name and name in names:
            for one in names:
                if one.startswith(name + "."):
                    return one[len(name) + 1 :].rstrip(".")
    for line in files.text("/etc/resolv.conf").splitlines()[:1000]:
        words = line.split()
        if len(words) == 2 and words[0] == "domain":
            return words[1].rstrip(".")
    return ""


def _zone(files: Files) -> str:
    """The zone's name: what /etc/localtime points to, or else what /etc/timezone says."""
    target = files.link("/etc/localtime")
    if _ZONES in target:
        return target.partition(_ZONES)[2]
    return files.text("/etc/timezone", 256).partition("\n")[0]
