"""What guests say is text of the page, never a part of it."""

from __future__ import annotations

import base64
import hashlib
from html.parser import HTMLParser

import pytest

from guestwright.engine.page.html import HEADERS, STYLE, ago, login, page, table, text

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus='x",
    "</td></table><h1>",
    "a\nb\x1b[31m\u202ec",
    "&lt;",
)


TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "table", "tr", "th", "td", "p"),
    *("form", "label", "input", "button"),
}


class Seen(HTMLParser):
    """Collects tags and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not any(name.startswith("on") for name, _ in attrs)
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_texts_stay_texts(hostile: str) -> None:
    seen = Seen()
    seen.feed(page(hostile, table(hostile, [hostile], [[hostile, 1]], hostile)) + login(hostile))
    assert seen.tags <= TAGS
    whole = "".join(seen.texts)
    assert "\x1b" not in whole
    assert "\u202e" not in whole


def test_what_is_long_is_cut() -> None:
    assert len(text("x" * 10_000)) < 400


def test_the_policy_admits_this_style_and_nothing_else() -> None:
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = HEADERS["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert f"<style>{STYLE}</style>" in login()


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-5, "0 s"), (59.9, "59 s"), (60, "1 min"), (7200, "2 h"), (200_000, "2 d")]
)
def test_ages(seconds: float, shown: str) -> None:
    assert ago(seconds) == shown
