from __future__ import annotations

import pytest

from guestwright.agent.core import schema
from guestwright.agent.core.layout import desired
from tests.support.agent_facts import complete


def example(path: str) -> str:
    return path.replace("{n}", "3").replace("{m}", "17").replace("{id}", "pci-0000_00_05_0")


@pytest.mark.parametrize("row", schema.ROWS, ids=lambda row: row.path)
def test_each_row_is_found_by_its_path(row: schema.Row) -> None:
    found = schema.find(example(row.path))
    assert found is not None
    assert found[0] is row
    assert len(found[1]) == len(row.varying)


@pytest.mark.parametrize("row", schema.ROWS, ids=lambda row: row.path)
def test_rows_are_well_formed(row: schema.Row) -> None:
    assert row.kind in {"text", "token", "integer", "flag", "ipv4", "ipv6", "mac", "list"}
    assert row.meaning
    assert set(row.varying) <= {"{n}", "{m}", "{id}"}
    assert row.root == row.path or row.path.startswith(row.root + "/{")
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/_@{}")
    assert set(row.path) <= allowed
    assert not row.slack or row.quiet
    if "{" in row.subject:
        assert row.subject.endswith(row.varying[0])


def test_paths_differ() -> None:
    assert len({row.path for row in schema.ROWS}) == len(schema.ROWS)


@pytest.mark.parametrize(
    "path", ["", "data", "data/none", "data//kind", "data/net/a/b/c/d", "attr/vif/0", "/data"]
)
def test_other_paths_are_not_found(path: str) -> None:
    assert schema.find(path) is None


def test_subjects() -> None:
    found = schema.find("data/net/bridge-7/ipv4/0/prefix")
    assert found is not None
    assert found[0].subject_of(found[1]) == "nic:bridge-7"
    assert found[0].group == "nic"
    found = schema.find("attr/vif/2/name")
    assert found is not None
    assert found[0].subject_of(found[1]) == "nic:vif-2"
    found = schema.find("data/os_name")
    assert found is not None
    assert found[0].subject_of(found[1]) == "os"


@pytest.mark.parametrize(
    ("path", "rank"),
    [
        ("attr/PVAddons/Installed", 0),
        ("attr/vif/0/ipv4/0", 3),
        ("attr/vif/0/ipv4/7/prefix", 3),
        ("attr/vif/0/ipv4/8", 4),
        ("attr/vif/0/ipv4/80", 13),
        ("attr/vif/0/ipv4/x", 1003),
        ("data/net/vif-0/kind", 4),
        ("who/knows", 1000),
    ],
)
def test_rank(path: str, rank: int) -> None:
    assert schema.rank(path) == rank


def test_what_is_watched() -> None:
    watched = {row.path for row in schema.ROWS if row.watched}
    assert "attr/vif/{n}/ipv4/{m}" in watched
    assert "control/feature-balloon" in watched
    assert "data/os_name" not in watched


def test_every_key_that_is_laid_out_has_its_row_and_every_row_is_used() -> None:
    offers = dict.fromkeys(schema.FEATURES, "1")
    facts = complete()
    used = set()
    for path in desired(facts, offers, {}):
        found = schema.find(path)
        assert found is not None, path
        used.add(found[0].path)
    missing = {row.path for row in schema.ROWS} - used
    # What another guest has: see test_nics and test_layout.
    assert all(
        path.startswith(("xenserver/", "data/net/", "control/feature-")) or path in _ELSEWHERE
        for path in missing
    ), missing


_ELSEWHERE = {"data/balloon/stuck", "data/guestwright/agent/omitted"}
