"""`python3 -m guestwright.agent`."""

from __future__ import annotations

import sys

from guestwright.agent.main import main

sys.exit(main())
