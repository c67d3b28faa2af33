"""How the tests are spread over processes: whole modules, and those that share one machine together."""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it has no types

_TOGETHER: Final = ("tests/machine/xen/",)
"""Their modules wait for one visit to one host: in two processes, one would only wait for the other."""


class ModulesTogether(LoadScopeScheduling):  # type: ignore[misc]  # for the same reason
    """As `--dist loadscope`, but that some modules count as one."""

    def _split_scope(self, nodeid: str) -> str:
        """See there."""
        for part in _TOGETHER:
            if nodeid.startswith(part):
                return part
        scope: str = super()._split_scope(nodeid)
        return scope
