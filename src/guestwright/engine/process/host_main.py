"""The host service as a child of the engine: `python -m guestwright.engine.process.host_main CONFIG [URI]`.

Theory of operation: the parent holds the other end of our standard input and writes nothing. When it ends,
however it does, there is nothing left to read, and the service ends as it does on SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import replace
from guestwright.host.process.daemon import serve
from guestwright.host.service.configuration import load
from guestwright.host.service.logs import set_up


def main() -> int:
    """Serve until the parent ends us, or has ended."""
    try:
        configuration = load(sys.argv[1])
        if len(sys.argv) > 2:
            configuration = replace(configuration, uri=sys.argv[2])
        set_up(configuration.log_level, configuration.log_format)
        threading.Thread(target=_watch, name="parent", daemon=True).start()
        serve(configuration)
    except GuestwrightError as error:
        sys.stderr.write(f"guestwright: the host service: {error.message}\n")
        return error.exit_status
    return 0


def _watch() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
