from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from guestwright.base.secret import Secret
from guestwright.host.service.errors import PartFailed
from guestwright.host.service.logs import LINE_MAX, set_up

CANARY = "hunter2-canary"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    set_up("info", "json", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_ids_and_nothing_else_comes_from_extra(written: io.StringIO) -> None:
    log = logging.getLogger("guestwright.host.x")
    log.info("hello %s", "you", extra={"domain": "u1", "domid": 5, "password": CANARY})
    (found,) = lines(written)
    assert found["event"] == "hello you"
    assert (found["domain"], found["domid"], found["level"], found["part"]) == ("u1", 5, "info", "host.x")
    assert CANARY not in written.getvalue()
    assert str(found["time"]).endswith("Z")


def test_a_guests_text_stays_on_its_line(written: io.StringIO) -> None:
    logging.getLogger("guestwright.x").warning("it says %s", 'a\nb\x1b[31m"}' + "x" * 10 * LINE_MAX)
    assert written.getvalue().count("\n") == 1
    (found,) = lines(written)
    assert "\n" not in str(found["event"])
    assert "\x1b" not in str(found["event"])
    assert len(written.getvalue()) < 2 * LINE_MAX


def test_secrets_are_masked(written: io.StringIO) -> None:
    logging.getLogger("guestwright.x").warning("it is %s", Secret(CANARY))
    assert CANARY not in written.getvalue()


def test_errors_of_ours_have_a_code_others_a_traceback(written: io.StringIO) -> None:
    log = logging.getLogger("guestwright.x")
    for error in (PartFailed(part="store", problem="x"), ValueError("y")):
        try:
            raise error
        except (PartFailed, ValueError):
            log.exception("oh")
    ours, other = lines(written)
    assert ours["error"] == "host-part-failed"
    assert "traceback" not in ours
    assert other["error"] == "ValueError"
    assert "ValueError: y" in str(other["traceback"])


def test_for_people(written: io.StringIO) -> None:
    stream = io.StringIO()
    set_up("warning", "text", stream)
    log = logging.getLogger("guestwright.x")
    log.info("not this")
    log.warning("this", extra={"domain": "u1"})
    assert stream.getvalue().endswith("warning: this domain=u1\n")
    assert stream.getvalue().count("\n") == 1
