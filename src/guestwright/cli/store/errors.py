"""What can be wrong with what the commands of the group are given."""

from __future__ import annotations

from guestwright.base.errors import UsageError


class BadDump(UsageError):
    """A file is no dump of a store, or not a whole one; nothing was changed."""

    code = "store-bad-dump"
    template = "{file} cannot be restored: {detail}"
    hint = "`guestwright store dump` writes what can be restored"
