"""Writes docs/api.md, the page of the engine's API, from the table of operations; `--check` only compares.

Exit status 1 with --check when it differs: a change of the API is a change of that file.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
from guestwright.engine.api.app import table
from guestwright.engine.api.endpoint import Endpoint
from guestwright.engine.api.openapi import document
from guestwright.engine.api.parts import Parts

PAGE = ROOT / "docs" / "api.md"
HEAD = """# The engine's REST API

Written by `tools/gen_api.py` from the table of operations and their types. The same as OpenAPI 3.1: `GET
/api/v1/openapi.json`. All paths are below `/api/v1`.

- **Who.** `POST /login` gives a token; every other operation but `GET /about` and `GET /openapi.json`
  takes `Authorization: Bearer TOKEN`. What a caller may do: [accounts](engine-inventory.md#accounts).
  Failed logins and wrong tokens slow the next attempts (429 with `Retry-After`).
- **Errors** are `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail`, and our
  `code`, `hint` and `parameters`; clients match on `code` ([all codes](errors.md)).
- **Lists** take `limit`, `cursor`, `sort` (a field, `-` before it for the other way round) and up to 16
  `filter`s that must all hold: `filter=agent=live`, `filter=name~web-*`, `filter=memory>=4294967296`,
  `filter=addresses:has:192.0.2.7`. They answer `{"items": [...], "next": CURSOR}`; `next` is null on the
  last page.
- **Versions.** Single things carry `ETag: "VERSION"`; operations marked *if-match* refuse an old one with
  412. `If-None-Match` answers 304.
- **Jobs.** What takes long answers 202 with `{"job": ...}` and `Location`; `GET /jobs/{id}?wait=50` waits
  for its end.
- **Keys.** Operations marked *idempotent*, all that make something, honour `Idempotency-Key`: the same key of
  the same user with the same request gets the answer of the first time, from any engine on the same
  database, and 409 with another request (`api-key-reused`, `durable-job-key-reused`). A job's key holds for
  as long as the job is kept, other answers are kept for a day. Nothing secret is kept: a request is known
  again by a keyed digest, and a new token is told once (`api-answer-not-kept` for who asks again). What was
  refused may be sent again with its key; while it is being done that is 409 `api-key-under-way`. If an
  engine is killed between doing it and noting the answer, the key counts as new again when the operation's
  time is over: what has a unique name is then refused with `inventory-taken`. All other operations refuse
  the header (400 `api-no-idempotency-key`) rather than promise what they cannot keep: power and programs in
  guests cannot be repeated without effect.
- **Disks.** `POST /disks/uploads` begins an upload, `PUT …/content` with `Content-Range` sends any piece of
  the file in any order, and once that is answered it has arrived for good: after a break of any kind `GET`
  the upload says what is `missing`. `POST …/finish` has the host judge it (a checksum if one was given, and
  qemu-img of a qcow2) and makes it a disk; when it refuses, the upload is as before. Nothing is written past
  the `file_size` that was announced, and what the storage has no room for is not begun. `GET
  /disks/{id}/content` is the file of a disk, whole or one `Range`; a disk that stands on another one is
  refused. Bytes are passed on between caller and host as they come, with 4 MiB at most held for each
  transfer; 16 run at once.
- **Payloads** are sent in one request, Base64 in JSON of at most 3 MiB, or by ranges. `POST
  /payloads/uploads` announces names and sizes of files, for a new payload or a further version; what is sent
  by `PUT …/content` are the contents of these files, one after the other in that order, and the rest is as
  with disks. `POST …/finish` (with a SHA-256 of all bytes, if you like) checks, encrypts and keeps them as
  one: none is ever half there, and when it is refused the upload is as before. Pieces lie encrypted in the
  database, so any engine takes the next one. What is allowed are the [settings](engine.md#settings)
  `payloads.…`; a user has at most 32 uploads under way, in at most 1024 separate pieces each.
- **Uploads** that nobody has written to for a week (`keep.uploads_days`) are given up.
- **Events.** `GET /events?after=TOKEN&wait=50` is a page; with `Accept: text/event-stream` it is an
  endless answer of server-sent events, whose `id` is the token and which goes on behind `Last-Event-ID`.
  `missed` says that something between is gone: read anew what you know.
- **Guests.** What is said of guests comes from the database, each fact with its age; no guest is ever
  waited for. Power, sysprep, programs, memory, media, files, clipboard, names and capabilities ask the
  machine's host, which says why it refuses.
- **Audit.** Every change and every refusal is a line in the audit log (`GET /audit`) before the answer is
  sent, without what was sent; of an upload its beginning and its end, not its pieces.
- **Bounds.** Bodies are at most 64 KiB unless said otherwise; 16 operations run at once on the database,
  64 on hosts, 2 on passwords; more wait, and too many are refused with 503.

"""


def page() -> str:
    """The page as it should be."""
    nothing: Any = None  # the parts are asked only when an operation is called
    parts = Parts(
        database=nothing,
        users=nothing,
        tokens=nothing,
        payloads=nothing,
        jobs=nothing,
        guests=nothing,
        addresses=nothing,
        clock=nothing,
    )
    endpoints = table(parts, nothing)
    schemas = document(endpoints)["components"]["schemas"]
    tags = list(dict.fromkeys(one.tag for one in endpoints))
    text = HEAD
    for tag in tags:
        text += (
            f"## {tag.capitalize()}\n\n| operation | | right | request | answer |\n|---|---|---|---|---|\n"
        )
        text += "".join(_row(one) for one in endpoints if one.tag == tag) + "\n"
    text += "## Types\n\nFields without a default are always there.\n\n"
    for name in sorted(schemas):
        text += _type(name, schemas[name])
    return text.rstrip() + "\n"


def _row(one: Endpoint) -> str:
    marks = [word for word, on in (("if-match", one.matched), ("idempotent", one.keyed or one.kept)) if on]
    if one.body is not None and one.body_max != 64 << 10:
        marks.append(f"at most {one.body_max >> 10} KiB")
    about = one.summary + (f" *{', '.join(marks)}*" if marks else "")
    right = "none" if one.right is None else f"`{one.right}`"
    asked = ", ".join(_link(kind) for kind in (one.query, one.body) if kind is not None)
    answer = f"{one.status} {_link(one.reply)}".strip()
    return f"| `{one.method} {one.path}` | {about} | {right} | {asked} | {answer} |\n"


def _link(kind: Any) -> str:
    if kind is None or kind is bytes:
        return ""
    return f"[{kind.__name__}](#{kind.__name__.lower()})"


def _type(name: str, schema: dict[str, Any]) -> str:
    text = f"### {name}\n\n"
    if "enum" in schema:
        return text + ", ".join(f"`{one}`" for one in schema["enum"]) + "\n\n"
    about = " ".join(schema.get("description", "").partition("Attributes:")[0].split())
    text += f"{about}\n\n" if about else ""
    needed = schema.get("required", ())
    for field, inner in schema.get("properties", {}).items():
        default = (
            "" if field in needed else f" = {inner['default']!r}" if "default" in inner else " (optional)"
        )
        text += f"- `{field}`: {_kind(inner)}{default}\n"
    return text + "\n"


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}" if schema.get("items") else "list"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"object of {_kind(inner)}" if isinstance(inner, dict) and inner else "object"
    if schema.get("contentEncoding"):
        return "Base64"
    return str(schema.get("type", "any JSON"))


def main() -> int:
    """Write the page, or compare it."""
    text = page()
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text() != text:
            print("docs/api.md is not what the API is; run tools/gen_api.py")
            return 1
        return 0
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
