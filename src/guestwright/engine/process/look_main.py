"""Whether a hypervisor answers: `python -m guestwright.engine.process.look_main URI`.

An embedded QEMU driver of libvirt's belongs to the process that has opened it until that ends, so the engine
cannot open one by itself that its host service is to have.
"""

from __future__ import annotations

import os
import sys

from guestwright.hypervisor.errors import HypervisorError
from guestwright.hypervisor.open_hypervisor import open_hypervisor


def main() -> int:
    """0 when it answers; else 1, and why on standard output."""
    os.umask(0o022)  # what libvirt makes for QEMU, QEMU's user must get at
    try:
        open_hypervisor(sys.argv[1]).close()
    except HypervisorError as error:
        sys.stdout.write(error.message)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
