"""Config drives: accepted, refused, scrubbed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guestwright.media.sources import configdrive
from guestwright.media.sources.errors import BadPayload
from guestwright.media.sources.model import Input, Payload, contents

CANARY = "h0rseStaple!"
LATEST = "openstack/latest/"
META = {
    "uuid": "11111111-2222-3333-4444-555555555555",
    "hostname": "web1",
    "name": "web1",
    "launch_index": 0,
    "admin_pass": CANARY,
    "random_seed": CANARY,
    "public_keys": {"me": "ssh-ed25519 AAAA " + CANARY},
    "meta": {"secret": CANARY},
    "files": [{"path": "/etc/x", "content_path": "/content/0000"}],
}
NETWORK: dict[str, Any] = {
    "links": [{"id": "l0", "type": "phy", "ethernet_mac_address": "52:54:00:12:34:56", "mtu": 1500}],
    "networks": [{"id": "n0", "link": "l0", "type": "ipv4_dhcp"}],
    "services": [{"type": "dns", "address": "1.1.1.1"}],
}
GOOD = {
    LATEST + "meta_data.json": json.dumps(META),
    LATEST + "network_data.json": json.dumps(NETWORK),
    LATEST + "vendor_data.json": json.dumps({"x": CANARY}),
    LATEST + "user_data": f"#cloud-config\nhostname: web1\npassword: {CANARY}\n",
    "openstack/content/0000": CANARY,
}
BAD = {
    "nothing": {LATEST + "user_data": ""},
    "no-meta": {LATEST + "vendor_data.json": "{}"},
    "meta-empty": {LATEST + "meta_data.json": ""},
    "meta-list": {LATEST + "meta_data.json": "[]"},
    "meta-yaml": {LATEST + "meta_data.json": "uuid: x"},
    "meta-no-uuid": {LATEST + "meta_data.json": "{}"},
    "meta-uuid": {LATEST + "meta_data.json": '{"uuid": ""}'},
    "meta-uuid-slash": {LATEST + "meta_data.json": '{"uuid": "a/b"}'},
    "meta-hostname": {LATEST + "meta_data.json": '{"uuid": "a", "hostname": 5}'},
    "meta-keys": {LATEST + "meta_data.json": '{"uuid": "a", "public_keys": ["x"]}'},
    "meta-meta": {LATEST + "meta_data.json": '{"uuid": "a", "meta": {"x": 5}}'},
    "meta-files": {LATEST + "meta_data.json": '{"uuid": "a", "files": [{"path": "/x"}]}'},
    "meta-content": {
        LATEST + "meta_data.json": '{"uuid": "a", "files": [{"path": "/x", "content_path": "/content/1"}]}'
    },
    "meta-twice": {LATEST + "meta_data.json": '{"uuid": "a", "uuid": "b"}'},
    "meta-deep": {LATEST + "meta_data.json": '{"uuid": "a", "x": ' + "[" * 100},
    "network-list": {**GOOD, LATEST + "network_data.json": "[]"},
    "network-no-links": {**GOOD, LATEST + "network_data.json": "{}"},
    "network-mac": {
        **GOOD,
        LATEST + "network_data.json": '{"links": [{"id": "a", "type": "phy", "ethernet_mac_address": 5}]}',
    },
    "network-type": {
        **GOOD,
        LATEST + "network_data.json": '{"links": [], "networks": [{"link": "a", "type": "x"}]}',
    },
    "network-key": {**GOOD, LATEST + "network_data.json": '{"links": [], "network": []}'},
    "vendor": {**GOOD, LATEST + "vendor_data.json": '"x"'},
    "user-data": {**GOOD, LATEST + "user_data": "hello"},
    "user-data-config": {**GOOD, LATEST + "user_data": "#cloud-config\nruncmd: x\n"},
    "user-data-ignition": {**GOOD, LATEST + "user_data": '{"ignition": {"version": "1"}}'},
    "dated": {**GOOD, "openstack/2012-08-10/meta_data.json": "{"},
    "traversal": {**GOOD, "openstack/../../etc/passwd": "x"},
    "reserved": {**GOOD, "openstack/content/aux": "x"},
    "case": {**GOOD, "Openstack/latest/meta_data.json": "{}"},
    "case-file": {**GOOD, LATEST + "Meta_Data.json": "{}"},
}


def build(files: dict[str, str]) -> Payload:
    return configdrive.build(
        [(name, Input(name="in/" + name, data=text.encode())) for name, text in files.items()]
    )


@pytest.mark.parametrize("files", BAD.values(), ids=BAD)
def test_a_bad_config_drive_is_refused(files: dict[str, str]) -> None:
    with pytest.raises(BadPayload) as caught:
        build(files)
    assert CANARY not in caught.value.message


def test_a_good_config_drive_comes_through() -> None:
    made = build(GOOD)
    assert made.label == "config-2"
    assert contents(made.tree) == {"/" + name: text.encode() for name, text in GOOD.items()}
    assert [one.problem for one in made.warnings] == ["password: a password in plain text"]
    assert made.warnings[0].file == "in/" + LATEST + "user_data"


def test_a_file_that_nobody_reads_is_warned_of() -> None:
    made = build({LATEST + "meta_data.json": '{"uuid": "a"}', LATEST + "meta-data": "", "readme": ""})
    assert len(made.warnings) == 2


def test_minimal_meta_data() -> None:
    name = LATEST + "meta_data.json"
    assert build({name: configdrive.meta_data("i-1", "web1").decode()}).warnings == ()


@pytest.mark.parametrize("user_data", [GOOD[LATEST + "user_data"], '{"ignition": {"version": "3.4.0"}}', ""])
def test_the_scrubbed_twin_is_the_same_instance_without_secrets(user_data: str) -> None:
    made = build({**GOOD, LATEST + "user_data": user_data})
    twin = configdrive.scrub(made)
    found = contents(twin.tree)
    assert twin.label == "config-2"
    assert not [path for path, data in found.items() if CANARY.encode() in data]
    meta = json.loads(found["/" + LATEST + "meta_data.json"])
    assert meta == {"uuid": META["uuid"], "hostname": "web1", "name": "web1", "launch_index": 0}
    assert json.loads(found["/" + LATEST + "network_data.json"]) == NETWORK
    assert contents(configdrive.scrub(twin).tree) == found
    configdrive.build([(path[1:], Input(name=path, data=data)) for path, data in found.items()])
