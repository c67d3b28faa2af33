"""What can go wrong with payloads of domains."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_USAGE
from guestwright.host.errors import HostError


class PayloadNotFound(HostError):
    """The domain has no such payload."""

    code = "host-payload-not-found"
    http_status = HTTPStatus.NOT_FOUND
    template = "domain {domain} has no {persistence} payload"


class PayloadInUse(HostError):
    """The payload is in a drive of a running domain."""

    code = "host-payload-in-use"
    http_status = HTTPStatus.CONFLICT
    template = "the {persistence} payload of {domain} is in drive {target} of its run"
    hint = "take it out first, or wait until the domain is off"


class PayloadContentsTooBig(HostError):
    """The files of a payload are more than a payload may have."""

    code = "host-payload-too-big"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    template = "the payload has {size} bytes; {most} are the most"
    hint = "put large files on a disk of the domain instead"


class PayloadGone(HostError):
    """The contents of the payload exist no more."""

    code = "host-payload-gone"
    http_status = HTTPStatus.GONE
    template = "the contents of the {persistence} payload of {domain} are destroyed: {reason}"
    hint = "define the payload anew"


class PayloadNotKept(HostError):
    """A payload or its image cannot be written, read or removed on the host."""

    code = "host-payload-not-kept"
    template = "payloads cannot be kept in {directory}: {problem}"
    hint = "the directories belong to the service alone; that of images is in memory, below /run"


class PayloadUnreadable(HostError):
    """What is kept of a payload is damaged, or was encrypted with another key."""

    code = "host-payload-unreadable"
    template = "{name} in {directory} cannot be decrypted"
    hint = "restore the host's key, or define the payload anew"


class BadHostKey(HostError):
    """The key of the host is not usable."""

    code = "host-key"
    template = "the host's key {path} is not usable: {problem}"
    hint = "it has 32 bytes, belongs to the service, and nobody else may read it (mode 0600 or 0400)"


class PayloadNotPlaced(HostError):
    """The run of a domain does not take the payload now."""

    code = "host-payload-not-placed"
    http_status = HTTPStatus.CONFLICT
    template = "the {persistence} payload of {domain} cannot be shown to its run: {problem}"
    hint = "it will be there at the next cold start"


class PayloadPathsDiffer(HostError):
    """The hosts of a migration keep images at different paths."""

    code = "host-payload-paths-differ"
    http_status = HTTPStatus.CONFLICT
    template = "images of payloads are in {there} on the source, but in {here} on this host"
    hint = "configure both host services with one runtime directory"
