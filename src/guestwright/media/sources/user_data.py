"""User-data of cloud-init: what the first line says it is, packed or in several parts, and what it holds.

Source: cloud-init documentation, "User data formats". Headers are looked for as cloud-init does: at the very
beginning. A form that cloud-init would ignore without a word is refused here.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any, Final

from guestwright.base.record import record
from guestwright.media.sources.cloud_config_rules import CLOUD_CONFIG, KEPT
from guestwright.media.sources.errors import BadPayloadEncoding, UnsafePayload
from guestwright.media.sources.findings import Findings, refuse
from guestwright.media.sources.nodes import Node, plain
from guestwright.media.sources.text import GZIP_MAGIC, gunzip, unbase64, utf8, within
from guestwright.media.sources.yaml_nodes import parse_yaml

MAX_BYTES: Final = 3 * 1024 * 1024
MAX_YAML: Final = 1024 * 1024
MAX_PARTS: Final = 64
CLOUD_CONFIG_HEADER: Final = "#cloud-config"
_HEADERS: Final = {
    "#cloud-config-archive": "text/cloud-config-archive",
    "#cloud-config-jsonp": "text/cloud-config-jsonp",
    "#cloud-config": "text/cloud-config",
    "#cloud-boothook": "text/cloud-boothook",
    "#include-once": "text/x-include-once-url",
    "#include": "text/x-include-url",
    "#upstart-job": "text/upstart-job",
    "#part-handler": "text/part-handler",
    "## template: jinja": "text/jinja2",
    "#!": "text/x-shellscript",
}
_TYPES: Final = frozenset({*_HEADERS.values(), "text/cloud-config-data", "text/x-shellscript-per-boot"}) | {
    "text/x-shellscript-per-instance",
    "text/x-shellscript-per-once",
    "text/plain",
}
_MULTIPART: Final = re.compile(rb"(?i)(?:[!-9;-~]+:[^\n]*\n(?:[ \t][^\n]*\n)*)*content-type:\s*multipart/")
_MIME: Final = re.compile(rb"(?i)content-type:|mime-version:")
_URL: Final = re.compile(r"(https?|file|ftp)://\S+")


@record
class Part:
    """One part of user-data.

    Attributes:
        kind: its MIME type.
        config: the document, when it is cloud-config.
    """

    kind: str
    config: Node | None = None


def check_user_data(file: str, data: bytes, findings: Findings) -> tuple[Part, ...]:
    """Check user-data of any form; packed ones are unpacked.

    Args:
        file: name for messages.
        data: as they go to the guest.
        findings: takes what is found.

    Returns:
        The parts; none for empty user-data.

    Raises:
        BadPayload: nothing that cloud-init reads.
    """
    within(file, data, MAX_BYTES)
    if data.startswith(GZIP_MAGIC):
        data = gunzip(file, data, MAX_BYTES)
    if not data.strip():
        return ()
    if _MIME.match(data):
        return tuple(_parts(file, data, findings))
    return (_part(file, data, findings),)


def scrubbed_user_data(parts: tuple[Part, ...]) -> bytes:
    """Cloud-config with only those keys that hold no secrets and matter on every boot."""
    import json  # noqa: PLC0415 - JSON is YAML; the import is not for those who only build

    kept: dict[str, Any] = {}
    for part in parts:
        if part.config is not None and isinstance(part.config.value, dict):
            document = plain(part.config)
            kept.update({key: value for key, value in document.items() if key in KEPT})
    return f"{CLOUD_CONFIG_HEADER}\n{json.dumps(kept, indent=1, sort_keys=True)}\n".encode()


def _part(file: str, data: bytes, findings: Findings, kind: str = "") -> Part:
    text = utf8(file, data)
    first = text.partition("\n")[0]
    found = next((one for head, one in _HEADERS.items() if text.startswith(head)), "")
    if not found and kind not in _TYPES - {"text/plain"}:
        _no_header(file, text)
    found = found or kind
    if found == "text/cloud-config":
        if first.rstrip() != first or first.rstrip("\r") != CLOUD_CONFIG_HEADER:
            findings.warn((1, 1), f"the first line should be '{CLOUD_CONFIG_HEADER}' and nothing else")
        within(file, data, MAX_YAML)
        config = parse_yaml(file, data)
        CLOUD_CONFIG(config, "", findings)
        if config.value is None or not config.value:
            findings.warn(config.at, "the cloud-config is empty")
        return Part(kind=found, config=config)
    if found == "text/cloud-config-archive":
        _archive(file, data, findings)
    elif found in {"text/x-include-url", "text/x-include-once-url"}:
        _includes(text, findings)
    elif found == "text/upstart-job":
        findings.warn((1, 1), "cloud-init no longer reads upstart jobs")
    elif found == "text/x-shellscript" and "\r\n" in text:
        findings.problem((1, 1), "a script with Windows line ends does not start in Linux")
    return Part(kind=found)


def _no_header(file: str, text: str) -> None:
    stripped = text.lstrip()
    if any(stripped.startswith(head) for head in _HEADERS):
        raise refuse(file, "blanks before the first line; cloud-init would not know what this is")
    if text.lower().startswith("#cloud"):
        raise refuse(file, f"the first line must be exactly '{CLOUD_CONFIG_HEADER}'")
    problem = "the first line does not say what this is, such as '#cloud-config' or '#!/bin/sh'"
    raise refuse(file, problem)


def _includes(text: str, findings: Findings) -> None:
    for number, line in enumerate(text.splitlines()[1:], start=2):
        one = line.strip()
        if one and not one.startswith("#") and _URL.fullmatch(one) is None:
            findings.problem((number, 1), "expected one URL on a line")


def _archive(file: str, data: bytes, findings: Findings) -> None:
    node = parse_yaml(file, within(file, data, MAX_YAML))
    if not isinstance(node.value, tuple) or len(node.value) > MAX_PARTS:
        findings.problem(node.at, f"expected a list of at most {MAX_PARTS} parts")
        return
    for one in node.value:
        entry = one.value.get("content") if isinstance(one.value, dict) else None
        if not isinstance(one.value, str) and (entry is None or not isinstance(entry.node.value, str)):
            findings.problem(one.at, "expected text, or a mapping with 'content'")


def _parts(file: str, data: bytes, findings: Findings) -> Iterator[Part]:
    if _MULTIPART.match(data) is None:
        problem = "MIME headers, but not of a multi-part message"
        raise refuse(file, problem)
    if data.count(b"\n--") > 2 * MAX_PARTS + 2 or data.lower().count(b"multipart/") > 1:
        raise refuse(file, f"more than {MAX_PARTS} parts, or parts within parts", kind=UnsafePayload)
    message = email.message_from_bytes(data, policy=email.policy.default)
    if message.defects or not message.is_multipart():
        raise refuse(file, "the multi-part message is broken or cut short")
    for number, part in enumerate(message.iter_parts(), start=1):
        assert isinstance(part, EmailMessage)
        name = f"{file}(part {number})"
        inner = Findings(name)
        yield _mime_part(name, part, inner)
        findings.problems.extend(inner.problems)
        findings.warnings.extend(inner.warnings)


def _mime_part(name: str, part: EmailMessage, findings: Findings) -> Part:
    kind = part.get_content_type()
    if kind not in _TYPES:
        raise refuse(name, "a type of part that cloud-init does not know")
    body = _body(name, part)
    if body.startswith(GZIP_MAGIC):
        body = gunzip(name, body, MAX_BYTES)
    if not body.strip():
        raise refuse(name, "this part is empty")
    return _part(name, body, findings, kind)


def _body(name: str, part: EmailMessage) -> bytes:
    encoding = str(part.get("content-transfer-encoding", "7bit")).strip().lower()
    raw = part.get_payload(decode=False)
    if not isinstance(raw, str) or part.defects:
        raise refuse(name, "this part is broken")
    if encoding == "base64":
        return unbase64(name, raw.encode("utf-8", "surrogateescape"))
    if encoding not in {"7bit", "8bit", "binary", "quoted-printable"}:
        raise refuse(name, "an unknown transfer encoding", kind=BadPayloadEncoding)
    found = part.get_payload(decode=True)
    assert isinstance(found, bytes)
    return found
