"""The memory of guests: the balloon controller at work, where the settings ask for it.

[balloon]
enabled = true

[balloon.ranges]    # least and most, MiB; on Xen without any, each domain's memory/dynamic-min and -max
6a2f41a3-c54c-fce8-32d2-0324e1c32e22 = [512, 4096]
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import Final

from guestwright.host.acting.ballooning import Ballooning
from guestwright.host.acting.claiming import memory_of
from guestwright.host.acting.host_memory import Range, fixed_ranges
from guestwright.host.balloon.controller import Controller
from guestwright.host.balloon.model import MIB, Why
from guestwright.host.process.sections import Sections
from guestwright.host.service.service import Service
from guestwright.hypervisor.domain import DomainId

_LOG: Final = logging.getLogger(__name__)


def balloon(parts: ExitStack, service: Service, sections: Sections) -> Ballooning | None:
    """Start it.

    Args:
        parts: where its end is noted.
        service: started.
        sections: settings.

    Returns:
        None unless the settings ask for it.
    """
    if not sections.balloon:
        return None
    known = {
        DomainId(uuid): Range(minimum=least * MIB, maximum=most * MIB)
        for uuid, (least, most) in sections.balloon_ranges.items()
    }
    ranges = fixed_ranges(known) if known else None
    memory = memory_of(service, service.hypervisor, service.store.client, ranges)
    made = Ballooning(Controller(), memory, told=_told)
    parts.callback(made.stop)
    made.start()
    return made


def _told(why: Why | str) -> None:
    if isinstance(why, str):
        _LOG.warning("memory is not moved: %s", why)
        return
    text = "memory of %s: %d to %d KiB: %s"
    _LOG.info(text, why.domain, why.before, why.after, why.detail, extra={"domain": why.domain})
