"""The error catalogue: codes are unique and well formed, exit codes documented, templates complete."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import string
from pathlib import Path

import pytest

import guestwright
from guestwright.base.errors import GuestwrightError

ROOT = Path(__file__).parents[2]
DOCUMENTED_EXITS = {1, 2, 3, 4, 5}


def all_errors() -> list[type[GuestwrightError]]:
    for module in pkgutil.walk_packages(guestwright.__path__, "guestwright."):
        if module.name.endswith(".errors"):
            importlib.import_module(module.name)
    found, todo = [], [GuestwrightError]
    while todo:
        one = todo.pop()
        found.append(one)
        todo.extend(one.__subclasses__())
    # Names of tests' own errors mean something else elsewhere.
    return [one for one in found if one.__module__.startswith("guestwright.")]


def fields(template: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]


@pytest.mark.parametrize("identity", ["code", "__name__"])
def test_errors_are_told_apart(identity: str) -> None:
    found = [getattr(one, identity) for one in all_errors()]
    assert sorted(found) == sorted(set(found))


@pytest.mark.parametrize("error", all_errors(), ids=lambda one: one.__name__)
def test_error_is_well_formed(error: type[GuestwrightError]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", error.code)
    assert error.exit_status in DOCUMENTED_EXITS
    assert 400 <= int(error.http_status) < 600
    assert error.__doc__
    names = {*fields(error.template), *fields(error.hint)}
    instance = error(**dict.fromkeys(names, "x\x1b[2J"))
    assert "\x1b" not in instance.message
    assert "\x1b" not in instance.advice
    assert instance.as_dict()["code"] == error.code


@pytest.mark.parametrize(
    "path", sorted((ROOT / "src").rglob("*.py")), ids=lambda one: str(one.relative_to(ROOT))
)
def test_an_error_gets_every_parameter_that_its_texts_name(path: Path) -> None:
    known = {one.__name__: {*fields(one.template), *fields(one.hint)} for one in all_errors()}
    wrong = []
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        given = {keyword.arg for keyword in node.keywords}
        if name in known and None not in given and known[name] - given:
            wrong.append(f"line {node.lineno}: {name} lacks {sorted(known[name] - given)}")
    assert not wrong
