"""The contract of guest files over the appliance, on ext4."""

from __future__ import annotations

import pytest

from tests.contract.test_guestfs_lookup import *  # noqa: F403 - the same suite, with this directory's `guest`
from tests.support.tools import needs

pytestmark = [pytest.mark.machine, needs("guestfish", "mke2fs", "e2fsck", "sfdisk")]
