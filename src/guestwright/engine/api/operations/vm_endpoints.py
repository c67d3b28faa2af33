"""All operations on machines."""

from __future__ import annotations

from guestwright.engine.api.endpoint import Endpoint
from guestwright.engine.api.operations.alarms import alarm_endpoints
from guestwright.engine.api.operations.vm_devices import device_endpoints
from guestwright.engine.api.operations.vm_guests import guest_endpoints
from guestwright.engine.api.operations.vm_inside import inside_endpoints
from guestwright.engine.api.operations.vm_live import live_endpoints
from guestwright.engine.api.operations.vm_payloads import vm_payload_endpoints
from guestwright.engine.api.operations.vm_syspreps import sysprep_endpoints
from guestwright.engine.api.operations.vms import vm_endpoints
from guestwright.engine.api.parts import Parts


def machine_endpoints(parts: Parts) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        parts: of the engine.
    """
    return (
        *vm_endpoints(parts.database),
        *guest_endpoints(parts.database),
        *alarm_endpoints(parts.database),
        *live_endpoints(parts),
        *inside_endpoints(parts),
        *device_endpoints(parts),
        *sysprep_endpoints(parts.database),
        *vm_payload_endpoints(parts.database, parts.payloads),
    )
