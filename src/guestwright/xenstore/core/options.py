"""What a store offers beyond Xen 4.17."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Settings of a store; the defaults make it look like C xenstored 4.17.

    Attributes:
        directory_part: serve DIRECTORY_PART.
        features: serve GET_FEATURE and SET_FEATURE (Xen 4.21).
        quotas: serve GET_QUOTA and SET_QUOTA (Xen 4.22).
        watch_depth: accept a depth in WATCH (Xen 4.22).
        any_domain: permission entries for DOMID_ANY match every domain (Xen 4.22).
        snapshot: transactions see the tree as it was when they began.
        backlog_max: bytes that may wait for a privileged client before it is disconnected.
    """

    directory_part: bool = True
    features: bool = False
    quotas: bool = False
    watch_depth: bool = False
    any_domain: bool = False
    snapshot: bool = False
    backlog_max: int = 64 << 20
