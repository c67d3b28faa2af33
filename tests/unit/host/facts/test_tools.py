"""Whether tools are up to date."""

from __future__ import annotations

import pytest

from guestwright.host.errors import BadCatalogue
from guestwright.host.facts.intake import admit
from guestwright.host.facts.tools import Catalogue, Standing, tools

CATALOGUE = Catalogue.parse('{"linux": ["1.2.0", "1.10.0", "1.9.3"], "windows": ["9.4"]}')


@pytest.mark.parametrize(
    ("written", "standing", "good"),
    [
        ({}, Standing.NONE, False),
        ({"attr/PVAddons/MajorVersion": "1", "attr/PVAddons/MinorVersion": "9"}, Standing.OLD, False),
        ({"attr/PVAddons/MajorVersion": "1", "attr/PVAddons/MinorVersion": "10"}, Standing.CURRENT, True),
        (
            {
                "attr/PVAddons/MajorVersion": "1",
                "attr/PVAddons/MinorVersion": "10",
                "attr/PVAddons/MicroVersion": "0",
                "attr/PVAddons/BuildVersion": "77",
            },
            Standing.CURRENT,
            True,
        ),
        ({"attr/PVAddons/MajorVersion": "2", "attr/PVAddons/MinorVersion": "0"}, Standing.NEWER, True),
        (
            {
                "attr/PVAddons/MajorVersion": "1",
                "attr/PVAddons/MinorVersion": "2",
                "attr/PVAddons/NotUpgradable": "1",
            },
            Standing.PINNED,
            True,
        ),
        ({"attr/PVAddons/NotUpgradable": "1"}, Standing.PINNED, True),
        (
            {
                "attr/PVAddons/MajorVersion": "1",
                "attr/PVAddons/MinorVersion": "2",
                "attr/PVAddons/NotUpgradable": "0",
            },
            Standing.OLD,
            False,
        ),
        ({"attr/PVAddons/MajorVersion": "@X@", "attr/PVAddons/MinorVersion": "2"}, Standing.NONE, False),
        ({"drivers/0": "V xenvif 1.0 "}, Standing.UNKNOWN, False),
        (
            {
                "attr/PVAddons/MajorVersion": "9",
                "attr/PVAddons/MinorVersion": "3",
                "data/os_distro": "Windows",
            },
            Standing.OLD,
            False,
        ),
        (
            {
                "attr/PVAddons/MajorVersion": "9",
                "attr/PVAddons/MinorVersion": "4",
                "data/os_distro": "windows",
            },
            Standing.CURRENT,
            True,
        ),
    ],
)
def test_verdict(written: dict[str, str], standing: Standing, good: bool) -> None:
    found = tools(admit((path, value.encode()) for path, value in written.items()))
    verdict = CATALOGUE.judge(found)
    assert (verdict.standing, verdict.up_to_date) == (standing, good)
    assert verdict.reason


def test_without_a_catalogue_nothing_is_claimed() -> None:
    found = tools(admit([("attr/PVAddons/MajorVersion", b"1"), ("attr/PVAddons/MinorVersion", b"0")]))
    assert Catalogue().judge(found).standing is Standing.UNKNOWN
    assert CATALOGUE.judge(found, "freebsd").standing is Standing.UNKNOWN


def test_a_build_that_is_no_number_does_not_hide_the_version() -> None:
    found = tools(
        admit(
            [
                ("attr/PVAddons/MajorVersion", b"1"),
                ("attr/PVAddons/MinorVersion", b"0"),
                ("attr/PVAddons/BuildVersion", b"proto-0.4"),
            ]
        )
    )
    assert found.version == (1, 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"linux": "1.2"}',
        '{"linux": [1]}',
        '{"linux": ["1"]}',
        '{"linux": ["1.x"]}',
        '{"l": ["1.2.3.4.5"]}',
        "[" * 100_000,
    ],
)
def test_a_bad_catalogue_is_refused(text: str) -> None:
    with pytest.raises(BadCatalogue):
        Catalogue.parse(text)
