"""Types may be used for the first time by several threads at once."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from guestwright.http_api.shapes import decoded, shaped

_MANY = """
import sys, threading
import msgspec
from guestwright.http_api.shapes import shaped

sys.setswitchinterval(1e-6)
for number in range(60):
    inner = msgspec.defstruct(f"Inner{number}", [(f"a{n}", str) for n in range(20)])
    outer = msgspec.defstruct(f"Outer{number}", [(f"b{n}", tuple[inner, ...]) for n in range(5)])
    value = {f"b{n}": [{f"a{n}": "x" for n in range(20)}] for n in range(5)}
    together = threading.Barrier(4)

    def use():
        together.wait()
        shaped(value, outer)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
"""


class Pair(msgspec.Struct):
    first: int
    second: str


def test_threads_that_use_a_type_for_the_first_time_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", _MANY], capture_output=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_what_is_none_is_refused() -> None:
    assert shaped({"first": "1", "second": "x"}, Pair, strict=False) == Pair(1, "x")
    assert decoded(b'{"first":1,"second":"x"}', Pair) == Pair(1, "x")
    with pytest.raises(msgspec.ValidationError):
        shaped({"first": "1", "second": "x"}, Pair)
