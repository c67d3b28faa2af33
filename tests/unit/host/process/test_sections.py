from __future__ import annotations

import pytest

from guestwright.host.api.listening import Address
from guestwright.host.process.sections import read_sections
from guestwright.host.service.configuration import parse
from guestwright.host.service.errors import BadConfiguration

UUID = "6a2f41a3-c54c-fce8-32d2-0324e1c32e22"


def test_memory_moves_where_the_settings_say_so() -> None:
    assert not read_sections(parse(b"")).balloon
    text = f"[balloon]\nenabled = true\n[balloon.ranges]\n{UUID} = [512, 4096]\n"
    found = read_sections(parse(text.encode()))
    assert found.balloon
    assert found.balloon_ranges == {UUID: (512, 4096)}


def test_defaults_follow_the_directories() -> None:
    found = read_sections(parse(b"[directories]\nruntime = '/run/x'\nstate = '/srv/x'"))
    assert (found.socket, found.authority) == ("/run/x/api.sock", "/srv/x/pki")
    assert (found.group, found.tls, found.owner, found.threads, found.storage) == (None, None, None, 4, {})


def test_a_whole_file() -> None:
    text = b"""
[api]
socket = "/run/y.sock"
group = "root"
tls = "[::1]:9000"
[jobs]
threads = 2
[volumes]
fast = "/srv/fast"
[media]
owner = "root:root"
[enrol]
directory = "/srv/pki"
"""
    found = read_sections(parse(text))
    assert (found.socket, found.group, found.tls) == ("/run/y.sock", 0, Address(host="::1", port=9000))
    assert (found.threads, found.storage, found.owner) == (2, {"fast": "/srv/fast"}, (0, 0))
    assert found.authority == "/srv/pki"
    assert read_sections(parse(b"[api]\ntls = '192.0.2.1'")).tls == Address(host="192.0.2.1", port=8443)


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ("[api]\nsock = '/x'", "api.sock", "there are: group, socket, tls"),
        ("[api]\nsocket = 'x'", "api.socket", "an absolute path"),
        ("[api]\ntls = 3", "api.tls", "HOST:PORT"),
        ("[api]\ntls = 'x:99999'", "api.tls", "HOST:PORT"),
        ("[api]\ngroup = 'no such group'", "api.group", "there is no group"),
        ("[jobs]\nthreads = 0", "jobs.threads", "from 1 to 64"),
        ("[volumes]\nFast = '/srv'", "volumes.Fast", "small letters"),
        ("[media]\nowner = 'root'", "media.owner", "USER:GROUP"),
        ("[acting]\non = true", "acting.on", "none yet"),
        ("[balloon]\non = true", "balloon.on", "there are: enabled, ranges"),
        ("[balloon]\nenabled = 1", "balloon.enabled", "true or false"),
        ("[balloon]\nranges = 1", "balloon.ranges", "table of uuids"),
        ("[balloon.ranges]\nweb1 = [1, 2]", "balloon.ranges", "web1"),
        (f"[balloon.ranges]\n{UUID} = [2, 1]", "balloon.ranges", "[512, 4096]"),
        (f"[balloon.ranges]\n{UUID} = [1, true]", "balloon.ranges", "[512, 4096]"),
    ],
)
def test_what_is_wrong_is_named(text: str, key: str, problem: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        read_sections(parse(text.encode()))
    assert refused.value.params["key"] == key
    assert problem in refused.value.message
