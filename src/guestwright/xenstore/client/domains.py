"""What a toolstack tells and asks the server about domains, features and quotas; for `Client.run`.

store.run(domains.introduce(5, gfn=0x12345, port=3))
await store.run(domains.release(5))
"""

from __future__ import annotations

from typing import TypeVar

from guestwright.xenstore.client.operations import Steps, expect, raw, text
from guestwright.xenstore.core import requests
from guestwright.xenstore.core.replies import Flag, Number, Text, Value

T = TypeVar("T")


def control(*words: str) -> Steps[str]:
    """A command to the server itself, such as `check`; what it answers."""
    reply = yield requests.Control(tuple([raw(word, "control") for word in words]))
    return text(expect(reply, Value).value.rstrip(b"\0"))


def introduce(domid: int, *, gfn: int, port: int) -> Steps[None]:
    """Have the server talk to a domain.

    Args:
        domid: its number.
        gfn: frame number of its ring page (servers of today take grant reference 1 instead).
        port: its event channel.
    """
    yield requests.Introduce(domid, gfn, port)


def release(domid: int) -> Steps[None]:
    """Have the server let go of a domain."""
    yield requests.Release(domid)


def resume(domid: int) -> Steps[None]:
    """A domain that was shut down runs again."""
    yield requests.Resume(domid)


def set_target(domid: int, target: int) -> Steps[None]:
    """Give a domain (a device model) the rights of another one as well."""
    yield requests.SetTarget(domid, target)


def path(domid: int) -> Steps[str]:
    """The directory of a domain, whether that domain exists or not."""
    return text(expect((yield requests.GetDomainPath(domid)), Text).text)


def is_introduced(domid: int) -> Steps[bool]:
    """Whether the server talks to a domain."""
    return expect((yield requests.IsDomainIntroduced(domid)), Flag).value


def features(domid: int | None = None) -> Steps[int]:
    """Bits (`core.wire.FEATURE_...`) that the caller, or a domain, sees; Xen 4.21."""
    return expect((yield requests.GetFeature(domid)), Number).value


def set_features(domid: int, bits: int) -> Steps[None]:
    """Decide what features a domain will see; Xen 4.21."""
    yield requests.SetFeature(domid, bits)


def quotas() -> Steps[list[str]]:
    """Names of the quotas; Xen 4.22."""
    return text(expect((yield requests.GetQuota()), Text).text).split()


def quota(name: str, domid: int | None = None) -> Steps[int]:
    """A quota of the store, or of a domain; 0 is unlimited; Xen 4.22."""
    reply = yield requests.GetQuota(raw(name, "ask for quota"), domid)
    return int(expect(reply, Text).text)


def set_quota(name: str, value: int, domid: int | None = None) -> Steps[None]:
    """Set a quota of the store, or of a domain; Xen 4.22."""
    yield requests.SetQuota(raw(name, "set quota"), value, domid)
