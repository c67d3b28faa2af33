"""What the caller asks of sealing, in a form that a saved plan can carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guestwright.base.record import field, record


@record
class Request:
    """Which operations, with which options.

    Attributes:
        operations: names of the selected operations, in the order they run.
        options: option name to JSON value; operations read those they declare.
        directives: what to customise, as JSON (see guestwright.seal.customise.directives); holds password
            hashes, so a saved plan is created with mode 0600.
        root: id of the root filesystem, "" for the only one.
        seed: 32 hex digits from which random values are derived, so that plan and run agree.
        allow_missing_mounts: go on although a filesystem named in fstab is not there.
    """

    operations: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    directives: tuple[Mapping[str, Any], ...] = ()
    root: str = ""
    seed: str = ""
    allow_missing_mounts: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "operations": list(self.operations),
            "options": dict(self.options),
            "directives": [dict(one) for one in self.directives],
            "root": self.root,
            "seed": self.seed,
            "allow_missing_mounts": self.allow_missing_mounts,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Request:
        """Read what `to_json` made.

        Raises:
            ValueError: a field is missing or of the wrong type.
        """
        try:
            return cls(
                operations=tuple(str(one) for one in body["operations"]),
                options=dict(body["options"]),
                directives=tuple(dict(one) for one in body["directives"]),
                root=str(body["root"]),
                seed=str(body["seed"]),
                allow_missing_mounts=bool(body["allow_missing_mounts"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"request: {error}") from error
