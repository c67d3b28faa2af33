"""From bytes to requests: the inverse of `requests`, for proxies, logs and tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from guestwright.xenstore.core import requests, wire
from guestwright.xenstore.core.errors import BadMessage


def parse_request(kind: int, payload: bytes) -> requests.Request:
    """The request that a message means.

    Args:
        kind: type from the header.
        payload: what follows the header.

    Raises:
        BadMessage: no such operation, or not its form.
    """
    parser = _PARSERS.get(kind)
    if parser is None:
        raise BadMessage(kind=kind, detail="no such operation")
    try:
        request: requests.Request = parser(payload)
    except ValueError as error:
        raise BadMessage(kind=kind, detail="its arguments are not those of the operation") from error
    return request


def _words(payload: bytes, least: int, most: int) -> list[bytes]:
    words = wire.strings(payload)
    if payload[-1:] != b"\0" or not least <= len(words) <= most:
        raise ValueError
    return words


def _number(text: bytes) -> int:
    value = wire.number(text)
    if value is None:
        raise ValueError
    return value


def _on_path(make: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    return lambda payload: make(*_words(payload, 1, 1))


def _on_numbers(make: Callable[..., Any], count: int) -> Callable[[bytes], Any]:
    return lambda payload: make(*map(_number, _words(payload, count, count)))


def _bare(make: Callable[[], Any]) -> Callable[[bytes], Any]:
    return lambda _payload: make()


def _control(payload: bytes) -> requests.Control:
    return requests.Control(tuple(_words(payload, 1, wire.PAYLOAD_MAX)))


def _watch(payload: bytes) -> requests.Watch:
    path, token, *depth = _words(payload, 2, 3)
    return requests.Watch(path, token, _number(depth[0]) if depth else None)


def _unwatch(payload: bytes) -> requests.Unwatch:
    return requests.Unwatch(*_words(payload, 2, 2))


def _transaction_end(payload: bytes) -> requests.TransactionEnd:
    if payload not in {b"T\0", b"F\0"}:
        raise ValueError
    return requests.TransactionEnd(commit=payload == b"T\0")


def _write(payload: bytes) -> requests.Write:
    path, nul, value = payload.partition(b"\0")
    if not nul:
        raise ValueError
    return requests.Write(path, value)


def _set_perms(payload: bytes) -> requests.SetPerms:
    path, *perms = _words(payload, 2, wire.PAYLOAD_MAX)
    return requests.SetPerms(path, tuple(perms))


def _directory_part(payload: bytes) -> requests.DirectoryPart:
    path, offset = _words(payload, 2, 2)
    return requests.DirectoryPart(path, _number(offset))


def _get_feature(payload: bytes) -> requests.GetFeature:
    return requests.GetFeature(_number(_words(payload, 1, 1)[0]) if payload else None)


def _get_quota(payload: bytes) -> requests.GetQuota:
    if not payload:
        return requests.GetQuota()
    *who, name = _words(payload, 1, 2)
    return requests.GetQuota(name, _number(who[0]) if who else None)


def _set_quota(payload: bytes) -> requests.SetQuota:
    *who, name, value = _words(payload, 2, 3)
    return requests.SetQuota(name, _number(value), _number(who[0]) if who else None)


_PARSERS: Final[dict[int, Callable[[bytes], Any]]] = {
    wire.CONTROL: _control,
    wire.DIRECTORY: _on_path(requests.Directory),
    wire.READ: _on_path(requests.Read),
    wire.GET_PERMS: _on_path(requests.GetPerms),
    wire.WATCH: _watch,
    wire.UNWATCH: _unwatch,
    wire.TRANSACTION_START: _bare(requests.TransactionStart),
    wire.TRANSACTION_END: _transaction_end,
    wire.INTRODUCE: _on_numbers(requests.Introduce, 3),
    wire.RELEASE: _on_numbers(requests.Release, 1),
    wire.GET_DOMAIN_PATH: _on_numbers(requests.GetDomainPath, 1),
    wire.WRITE: _write,
    wire.MKDIR: _on_path(requests.Mkdir),
    wire.RM: _on_path(requests.Rm),
    wire.SET_PERMS: _set_perms,
    wire.IS_DOMAIN_INTRODUCED: _on_numbers(requests.IsDomainIntroduced, 1),
    wire.RESUME: _on_numbers(requests.Resume, 1),
    wire.SET_TARGET: _on_numbers(requests.SetTarget, 2),
    wire.RESET_WATCHES: _bare(requests.ResetWatches),
    wire.DIRECTORY_PART: _directory_part,
    wire.GET_FEATURE: _get_feature,
    wire.SET_FEATURE: _on_numbers(requests.SetFeature, 2),
    wire.GET_QUOTA: _get_quota,
    wire.SET_QUOTA: _set_quota,
}
