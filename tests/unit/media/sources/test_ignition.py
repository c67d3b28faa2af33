"""Ignition configurations: accepted, refused, scrubbed."""

from __future__ import annotations

import json

import pytest

from guestwright.media.sources import ignition
from guestwright.media.sources.errors import BadPayload
from guestwright.media.sources.model import Input, contents

CANARY = "h0rseStaple!"
GOOD = {
    "ignition": {"version": "3.4.0", "config": {"merge": [{"source": "https://example.org/x.ign"}]}},
    "passwd": {
        "users": [{"name": "core", "passwordHash": CANARY, "sshAuthorizedKeys": ["ssh-ed25519 AAAA"]}]
    },
    "storage": {
        "files": [
            {
                "path": "/etc/hostname",
                "mode": 420,
                "contents": {"source": "data:," + CANARY},
                "overwrite": True,
            }
        ],
        "directories": [{"path": "/srv/x", "user": {"name": "core"}}],
        "links": [{"path": "/etc/l", "target": "/srv/x", "hard": False}],
    },
    "systemd": {
        "units": [
            {"name": "a.service", "enabled": True, "contents": "[Unit]", "dropins": [{"name": "b.conf"}]}
        ]
    },
    "kernelArguments": {"shouldExist": ["quiet"]},
}
V = '"ignition":{"version":"3.4.0"}'
BAD = {
    "empty": "",
    "list": "[]",
    "no-ignition": "{}",
    "no-version": '{"ignition":{}}',
    "version-2": '{"ignition":{"version":"2.3.0"}}',
    "version-number": '{"ignition":{"version":3.4}}',
    "unknown": "{" + V + ',"storag":{}}',
    "file-no-path": "{" + V + ',"storage":{"files":[{}]}}',
    "file-relative": "{" + V + ',"storage":{"files":[{"path":"a"}]}}',
    "file-mode-text": "{" + V + ',"storage":{"files":[{"path":"/a","mode":"0644"}]}}',
    "file-mode-big": "{" + V + ',"storage":{"files":[{"path":"/a","mode":10000}]}}',
    "file-inline": "{" + V + ',"storage":{"files":[{"path":"/a","contents":{"inline":"x"}}]}}',
    "file-url": "{" + V + ',"storage":{"files":[{"path":"/a","contents":{"source":"file:///x"}}]}}',
    "file-hash": "{"
    + V
    + ',"storage":{"files":[{"path":"/a","contents":{"verification":{"hash":"md5-x"}}}]}}',
    "file-compression": "{" + V + ',"storage":{"files":[{"path":"/a","contents":{"compression":"xz"}}]}}',
    "path-twice": "{" + V + ',"storage":{"files":[{"path":"/a"},{"path":"/a"}]}}',
    "path-twice-kinds": "{" + V + ',"storage":{"files":[{"path":"/a"}],"directories":[{"path":"//a/"}]}}',
    "files-mapping": "{" + V + ',"storage":{"files":{}}}',
    "unit-name": "{" + V + ',"systemd":{"units":[{"name":"a"}]}}',
    "unit-path": "{" + V + ',"systemd":{"units":[{"name":"../a.service"}]}}',
    "unit-enabled": "{" + V + ',"systemd":{"units":[{"name":"a.service","enabled":"yes"}]}}',
    "dropin": "{" + V + ',"systemd":{"units":[{"name":"a.service","dropins":[{"name":"b"}]}]}}',
    "user-nameless": "{" + V + ',"passwd":{"users":[{}]}}',
    "user-keys": "{" + V + ',"passwd":{"users":[{"name":"a","sshAuthorizedKeys":"x"}]}}',
    "user-password": "{" + V + ',"passwd":{"users":[{"name":"a","password":"' + CANARY + '"}]}}',
    "arguments": "{" + V + ',"kernelArguments":["quiet"]}',
    "twice": "{" + V + "," + V + "}",
    "yaml": "ignition: {version: 3.4.0}",
    "butane": "variant: fcos\nversion: 1.5.0\n",
    "comment": "{" + V + "} // x",
    "deep": "{" + V + ',"storage":' + '{"disks":[' * 50,
    "utf16": "{" + V + "}\0",
    "large": "{" + V + "}" + " " * (3 * 1024 * 1024),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_bad_configuration_is_refused(text: str) -> None:
    with pytest.raises(BadPayload) as caught:
        ignition.build(Input(name="a.ign", data=text.encode()))
    assert caught.value.message.startswith("a.ign:")
    assert CANARY not in caught.value.message


def test_a_good_configuration_comes_through() -> None:
    data = json.dumps(GOOD).encode()
    made = ignition.build(Input(name="a.ign", data=data))
    assert (made.label, made.warnings) == ("config-2", ())
    assert contents(made.tree) == {"/openstack/latest/user_data": data}
    assert ignition.fw_cfg_file(made) == ("opt/com.coreos/config", data)


def test_the_scrubbed_twin_asks_for_nothing() -> None:
    made = ignition.build(Input(name="a.ign", data=json.dumps(GOOD).encode()))
    twin = ignition.scrub(made)
    (data,) = contents(twin.tree).values()
    assert json.loads(data) == {"ignition": {"version": "3.4.0"}}
    assert twin.label == made.label
    ignition.build(Input(name="twin", data=data))
