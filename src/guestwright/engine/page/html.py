"""HTML out of values. Pure.

What is shown goes through `text`: names, facts and reasons were chosen by guests and their owners, who are
hostile. There is no script on the page, and its headers forbid any.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from guestwright.base.printable import printable

_CELL_MAX: Final = 300
STYLE: Final = (
    "body{font:15px/1.4 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222;"
    "background:#fff}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;"
    "width:100%}th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #ddd;vertical-align:top;"
    "overflow-wrap:anywhere}th{font-weight:600}.muted{color:#666}.bad{color:#a00000}form{margin:1rem 0}"
    "input{font:inherit;padding:.3rem}@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}"
    "th,td{border-color:#444}.muted{color:#999}.bad{color:#ff8a80}}"
)
_DIGEST: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Of every answer: CSP level 3 (w3.org/TR/CSP3) admits this style by its digest and nothing else."""


def text(value: object) -> str:
    """A value as text of a page; what is long is cut."""
    shown = printable(str(value))
    return escape(shown if len(shown) <= _CELL_MAX else shown[:_CELL_MAX] + "…")


def ago(seconds: float) -> str:
    """An age for people: "3 s", "5 min", "2 h", "4 d"."""
    seconds = max(0.0, seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]], more: str = "") -> str:
    """A table with its title.

    Args:
        title: of it.
        heads: of the columns.
        rows: values, not escaped.
        more: a sentence below it, not escaped; "" for none.
    """
    body = "".join(f"<tr>{''.join(f'<td>{text(one)}</td>' for one in row)}</tr>" for row in rows)
    head = "".join(f"<th>{text(one)}</th>" for one in heads)
    shown = f"<table><tr>{head}</tr>{body}</table>" if body else '<p class="muted">none</p>'
    below = f'<p class="muted">{text(more)}</p>' if more else ""
    return f"<h2>{text(title)}</h2>{shown}{below}"


def page(title: str, body: str) -> str:
    """A whole page.

    Args:
        title: not escaped.
        body: HTML.
    """
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{text(title)}</title><style>{STYLE}</style></head><body>"
        f"<h1>{text(title)}</h1>{body}</body></html>"
    )


def login(problem: str = "") -> str:
    """The page that asks for a token."""
    shown = f'<p class="bad">{text(problem)}</p>' if problem else ""
    return page(
        "Guestwright",
        f'{shown}<form method="post" action="/login"><label>Token '
        '<input type="password" name="token" autocomplete="off" required size="60"></label> '
        "<button>Log in</button></form>"
        '<p class="muted">guestwright up prints one at its first run; guestwright token make makes more.</p>',
    )
