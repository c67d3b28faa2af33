"""The client's contract over C xenstored, oxenstored and our server; see `run` for other places."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.xenstore.run import cases, main
from tests.contract.xenstore.world import World
from tests.support.xenbus import open_kernel
from tests.support.xenstored import KINDS, Xenstored, missing, started

pytestmark = pytest.mark.system


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[Xenstored]:
    kind = request.param
    if missing(kind) and "CI" not in os.environ:
        pytest.skip(f"not installed: {', '.join(missing(kind))}")
    with started(kind) as running:
        yield running


@pytest.mark.parametrize("name", cases())
def test_case(server: Xenstored, name: str) -> None:
    world = World(server.socket, f"/contract/{name}", privileged=True, oxenstored=server.kind == "ocaml")
    with world.fresh():
        cases()[name](world)


@pytest.fixture(scope="module")
def plain() -> Iterator[Xenstored]:
    with started("ours") as running:
        yield running


@pytest.mark.parametrize("name", cases())
def test_case_through_a_kernel(plain: Xenstored, name: str) -> None:
    """By the rules of /dev/xen/xenbus; with a real one in `tests/machine/xen`."""
    world = World(plain.socket, f"/contract/{name}", privileged=True, oxenstored=False, opener=open_kernel)
    with world.fresh():
        cases()[name](world)


def test_the_runner_for_other_places(plain: Xenstored, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--address", plain.socket, "values_are_bytes", "async_nodes"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[-1] == "all passed"


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.glob("*.py")), ids=lambda path: path.name)
def test_what_goes_into_guests_is_standard_library(path: Path) -> None:
    if path.name.startswith("test_"):
        return
    tops: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            tops.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            ours = (node.module or "").startswith(("guestwright.xenstore", "tests.contract.xenstore"))
            tops.add("os" if ours else (node.module or "").split(".")[0])
    assert tops <= sys.stdlib_module_names
