"""What sealing found and did, as it comes back from the process that holds the guest's files.

That process parses what a hostile guest wrote. So each field is checked here for its type, and whatever the
answer is, it is only told: nothing that is written to the host depends on it.
"""

from __future__ import annotations

from typing import Any, Final

from guestwright.base.record import asdict, record
from guestwright.seal.changes import Severity
from guestwright.seal.plan import Action, ActionKind, GuestFacts, Status, action_json

_KINDS: Final = {str(one): one for one in ActionKind}
_STATUSES: Final = {str(one): one for one in Status}
_SEVERITIES: Final = {str(one): one for one in Severity}
_TEXTS: Final = ("os", "family", "version", "init", "hostname", "selinux", "root", "driver")
_NUMBERS: Final = frozenset({"files", "directories", "size"})
_WORDS: Final = frozenset({"path", "detail", "reason", "sha256"})
_MAX_NUMBER: Final = 1 << 64


@record
class Result:
    """What one operation did; what is known of the operation itself is not repeated."""

    name: str
    status: Status
    why: str = ""
    actions: tuple[Action, ...] = ()


@record
class Outcome:
    """What all selected operations did, and what the guest is."""

    results: tuple[Result, ...]
    guest: GuestFacts
    notes: tuple[str, ...] = ()


def to_json(outcome: Outcome) -> Any:
    """Plain JSON values; fields of actions that are empty are left out."""
    return {
        "results": [
            [one.name, str(one.status), one.why, [_from_action(each) for each in one.actions]]
            for one in outcome.results
        ],
        "guest": asdict(outcome.guest),
        "notes": list(outcome.notes),
    }


def from_json(value: Any) -> Outcome:
    """Inverse of `to_json`.

    Raises:
        ValueError: anything is not as `to_json` makes it.
    """
    try:
        return Outcome(
            results=tuple(_result(*one) for one in value["results"]),
            guest=_guest(value["guest"]),
            notes=tuple(_text(one) for one in value["notes"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"an outcome of another shape ({error})") from error


def _from_action(action: Action) -> dict[str, Any]:
    return {**action_json(action), "severity": str(action.severity)}


def _result(name: Any, status: Any, why: Any, actions: Any) -> Result:
    return Result(
        name=_text(name),
        status=_STATUSES[status],
        why=_text(why),
        actions=tuple(_action(one) for one in actions),
    )


def _action(value: dict[str, Any]) -> Action:
    rest = dict(value)
    kind, severity = _KINDS[rest.pop("kind")], _SEVERITIES[rest.pop("severity")]
    for name, one in rest.items():
        if name in _NUMBERS:
            if type(one) is not int or not 0 <= one < _MAX_NUMBER:
                raise ValueError("a number out of range")
        elif name in _WORDS:
            _text(one)
        else:
            raise ValueError("an unknown field")
    return Action(kind=kind, severity=severity, **rest)


def _guest(value: Any) -> GuestFacts:
    mounts = tuple((_text(point), _text(name)) for point, name in value["mounts"])
    return GuestFacts(mounts=mounts, **{name: _text(value[name]) for name in _TEXTS})


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("something that is not text")
    return value
