"""NoCloud media: user-data of every form, meta-data, network-config; the scrubbed twin."""

from __future__ import annotations

import gzip
import time
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
import yaml

from guestwright.media.sources import nocloud
from guestwright.media.sources.errors import BadPayload
from guestwright.media.sources.model import Input, Payload, contents

CANARY = "h0rseStaple!"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0000000000000000000000000000000000000000000 me@here"
GOOD = f"""#cloud-config
hostname: web1
fqdn: web1.example.org
manage_etc_hosts: true
timezone: Europe/Berlin
users:
  - default
  - name: me
    groups: [sudo, adm]
    sudo: ALL=(ALL) NOPASSWD:ALL
    shell: /bin/bash
    lock_passwd: false
    hashed_passwd: $6$salt${CANARY}
    ssh_authorized_keys: &keys
      - {KEY}
ssh_authorized_keys: *keys
chpasswd: {{expire: false, users: [{{name: me, type: RANDOM}}]}}
write_files:
  - path: /etc/secret
    content: {CANARY}
    permissions: '0600'
    owner: root:root
runcmd:
  - [sh, -c, "echo {CANARY}", 1]
  - touch /run/done
packages: [nginx, [curl, '8.0'], {{snap: [x]}}]
power_state: {{mode: reboot, delay: now, condition: true}}
growpart: {{mode: auto, devices: [/]}}
ntp: {{servers: [ntp.example.org]}}
mounts: [[/dev/vdb, /data, ext4, defaults, 0, 2]]
"""
BAD_CONFIG = {
    "list": "- a",
    "text": "hello",
    "hostname-number": "hostname: 5",
    "hostname-blank": "hostname: a b",
    "hostname-hyphen": "hostname: -a",
    "hostname-long": f"hostname: {'a' * 64}",
    "fqdn-list": "fqdn: [a]",
    "timezone": "timezone: ../../etc",
    "timezone-list": "timezone: [x]",
    "users-number": "users: 5",
    "user-key": "users:\n  - name: a\n    sudoo: x",
    "user-nameless": "users:\n  - shell: /bin/sh",
    "user-name": "users:\n  - name: 'a:b'",
    "user-shell": "users:\n  - {name: a, shell: bash}",
    "user-lock": "users:\n  - {name: a, lock_passwd: 'no way'}",
    "user-sudo": "users:\n  - {name: a, sudo: true}",
    "user-uid": "users:\n  - {name: a, uid: -1}",
    "user-expire": "users:\n  - {name: a, expiredate: soon}",
    "keys-text": f"ssh_authorized_keys: {KEY}",
    "keys-private": "ssh_authorized_keys: ['-----BEGIN OPENSSH PRIVATE KEY-----']",
    "keys-cut": "ssh_authorized_keys: [ssh-ed25519]",
    "keys-two": f"ssh_authorized_keys: ['{KEY}\n\n{KEY}']",
    "runcmd-text": "runcmd: echo",
    "runcmd-mapping": "runcmd: [{a: b}]",
    "runcmd-colon": "runcmd:\n  - echo a: b",
    "runcmd-deep": "runcmd: [[a, [b]]]",
    "bootcmd": "bootcmd: [true]",
    "packages": "packages: nginx",
    "packages-three": "packages: [[a, b, c]]",
    "packages-version": "packages: [[curl, 8.0]]",
    "packages-empty": "packages: ['']",
    "update": "package_update: maybe",
    "upgrade": "package_upgrade: 1",
    "write-files": "write_files: {path: /a}",
    "write-no-path": "write_files: [{content: a}]",
    "write-relative": "write_files: [{path: a}]",
    "write-key": "write_files: [{path: /a, contents: x}]",
    "write-mode": "write_files: [{path: /a, permissions: 'rw'}]",
    "write-mode-number": "write_files: [{path: /a, permissions: 0644}]",
    "write-encoding": "write_files: [{path: /a, encoding: rot13}]",
    "write-append": "write_files: [{path: /a, append: 1}]",
    "chpasswd": "chpasswd: x",
    "chpasswd-expire": "chpasswd: {expire: 0}",
    "chpasswd-type": "chpasswd: {users: [{name: a, type: md5}]}",
    "power": "power_state: reboot",
    "power-mode": "power_state: {mode: restart}",
    "power-no-mode": "power_state: {delay: now}",
    "power-delay": "power_state: {mode: halt, delay: soon}",
    "growpart": "growpart: {mode: big}",
    "ntp": "ntp: {server: [a]}",
    "ntp-text": "ntp: {servers: a}",
    "phone": "phone_home: {post: all}",
    "mounts": "mounts: [/dev/vdb]",
    "mounts-seven": "mounts: [[a, b, c, d, 0, 0, 7]]",
    "resize": "resize_rootfs: later",
    "root": "disable_root: nope",
    "genkeys": "ssh_genkeytypes: [rsa1]",
    "locale": "locale: [de]",
    "keyboard": "keyboard: {variant: x}",
    "swap": "swap: 5",
    "hosts": "manage_etc_hosts: sometimes",
    "ca": "ca_certs: {trust: x}",
    "resolv": "resolv_conf: {nameserver: [a]}",
    "final": "final_message: [x]",
    "twice": "hostname: a\nhostname: b",
    "python": "a: !!python/object/apply:os.system [id]",
}
BAD_USER_DATA = {
    "no-header": b"hostname: a\n",
    "header-case": b"#Cloud-Config\nhostname: a\n",
    "header-blank": b" #cloud-config\nhostname: a\n",
    "header-line": b"\n#cloud-config\n",
    "header-space": b"# cloud-config\n",
    "header-short": b"#cloud\n",
    "bom": b"\xef\xbb\xbf#cloud-config\n",
    "utf16": "#cloud-config\n".encode("utf-16"),
    "latin1": "#cloud-config\nfinal_message: é\n".encode("latin-1"),
    "nul": b"#cloud-config\nfinal_message: a\0b\n",
    "binary": bytes(range(256)),
    "gzip-cut": gzip.compress(b"#cloud-config\n{}\n")[:-3],
    "gzip-magic": b"\x1f\x8b",
    "gzip-text": gzip.compress(b"hello"),
    "gzip-twice": gzip.compress(gzip.compress(b"#cloud-config\n{}\n")),
    "gzip-bomb": gzip.compress(bytes(20_000_000)),
    "script-crlf": b"#!/bin/sh\r\necho\r\n",
    "include": b"#include\nnot a url\n",
    "include-once": b"#include-once\nhttp://a b\n",
    "archive": b"#cloud-config-archive\na: b\n",
    "archive-item": b"#cloud-config-archive\n- [a]\n",
    "large": b"#cloud-config\n#" + b"x" * 1_100_000,
    "huge": b"#!/bin/sh\n#" + b"x" * 3_200_000,
    "mime-single": b"Content-Type: text/cloud-config\n\n#cloud-config\n",
    "mime-no-boundary": b"Content-Type: multipart/mixed\n\nx",
    "mime-cut": b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n'
    b"Content-Type: text/x-shellscript\n\n#!/bin/sh\n",
    "mime-empty": b'Content-Type: multipart/mixed; boundary="b"\n\n--b--\n',
    "mime-no-parts": b'Content-Type: multipart/mixed; boundary="b"\n\nhello\n',
    "mime-many": b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\n#!\n" * 500 + b"--b--\n",
}
BAD_META = {
    "empty": "",
    "list": "- a",
    "no-id": "local-hostname: a",
    "id-empty": "instance-id: ''",
    "id-blank": "instance-id: a b",
    "id-slash": "instance-id: a/b",
    "id-list": "instance-id: [a]",
    "id-null": "instance-id:",
    "hostname": "{instance-id: a, local-hostname: 'a b'}",
    "dsmode": "{instance-id: a, dsmode: fast}",
    "keys": "{instance-id: a, public-keys: 5}",
    "yaml": "instance-id: a: b",
    "large": "instance-id: " + "a" * 70_000,
}
BAD_NETWORK = {
    "empty": "",
    "list": "- a",
    "no-version": "ethernets: {}",
    "version-3": "version: 3",
    "version-text": "version: '2'",
    "v1-no-config": "version: 1",
    "v1-type": "{version: 1, config: [{type: ethernet}]}",
    "v1-no-type": "{version: 1, config: [{name: eth0}]}",
    "v1-mac": "{version: 1, config: [{type: physical, mac_address: x}]}",
    "v1-mac-number": "{version: 1, config: [{type: physical, mac_address: 52:54:00:12:34:56:00}]}",
    "v1-subnet": "{version: 1, config: [{type: physical, subnets: [{type: dhcpv4}]}]}",
    "v1-address": "{version: 1, config: [{type: physical, subnets: [{type: static, address: 300.1.1.1}]}]}",
    "v1-gateway": "{version: 1, config: [{type: physical, subnets: [{type: static, gateway: gw}]}]}",
    "v1-mtu": "{version: 1, config: [{type: physical, mtu: 1}]}",
    "v1-vlan": "{version: 1, config: [{type: vlan, vlan_id: 5000}]}",
    "v1-name": "{version: 1, config: [{type: physical, name: averyveryverylongname}]}",
    "v2-key": "{version: 2, ethernet: {}}",
    "v2-list": "{version: 2, ethernets: [a]}",
    "v2-dhcp": "{version: 2, ethernets: {a: {dhcp4: maybe}}}",
    "v2-address": "{version: 2, ethernets: {a: {addresses: [10.0.0.1]}}}",
    "v2-addresses": "{version: 2, ethernets: {a: {addresses: 10.0.0.1/24}}}",
    "v2-prefix": "{version: 2, ethernets: {a: {addresses: [10.0.0.1/33]}}}",
    "v2-gateway": "{version: 2, ethernets: {a: {gateway4: 10.0.0.300}}}",
    "v2-dns": "{version: 2, ethernets: {a: {nameservers: {addresses: [dns]}}}}",
    "v2-dns-list": "{version: 2, ethernets: {a: {nameservers: [1.1.1.1]}}}",
    "v2-match": "{version: 2, ethernets: {a: {match: {mac: x}}}}",
    "v2-mac": "{version: 2, ethernets: {a: {match: {macaddress: 'zz'}}}}",
    "v2-renderer": "{version: 2, renderer: ifupdown}",
    "disabled": "config: off",
    "bomb": "a: &a [&b [x], *b]\nversion: 2\nc: &c [*c]",
}


def one(data: bytes | str, name: str = "user-data") -> Input:
    return Input(name=name, data=data.encode() if isinstance(data, str) else data)


def build(user_data: bytes | str, **more: Input) -> Payload:
    return nocloud.build(user_data=one(user_data), instance_id="i-1", hostname="web1", **more)


def multipart(*parts: MIMEText | MIMEApplication) -> bytes:
    message = MIMEMultipart()
    for part in parts:
        message.attach(part)
    return message.as_bytes()


def refused(*, starts: str, **inputs: Input) -> BadPayload:
    begun = time.process_time()
    with pytest.raises(BadPayload) as caught:
        nocloud.build(**{"user_data": one(""), **inputs})  # type: ignore[arg-type] # only inputs
    assert time.process_time() - begun < 3
    assert caught.value.message.startswith(starts)
    return caught.value


@pytest.mark.parametrize("text", BAD_CONFIG.values(), ids=BAD_CONFIG)
def test_bad_cloud_config_is_refused(text: str) -> None:
    error = refused(starts="user-data:", user_data=one("#cloud-config\n" + text + "\n"), meta_data=META)
    assert error.params["line"] >= 2


@pytest.mark.parametrize("data", BAD_USER_DATA.values(), ids=BAD_USER_DATA)
def test_bad_user_data_are_refused(data: bytes) -> None:
    refused(starts="user-data", user_data=one(data), meta_data=META)


@pytest.mark.parametrize("data", BAD_USER_DATA.values(), ids=BAD_USER_DATA)
def test_bad_vendor_data_are_refused(data: bytes) -> None:
    refused(starts="vd", vendor_data=one(data, "vd"), meta_data=META)


@pytest.mark.parametrize("text", BAD_META.values(), ids=BAD_META)
def test_bad_meta_data_are_refused(text: str) -> None:
    refused(starts="md:", meta_data=one(text, "md"))


@pytest.mark.parametrize("text", BAD_NETWORK.values(), ids=BAD_NETWORK)
def test_a_bad_network_config_is_refused(text: str) -> None:
    refused(starts="nc:", network_config=one(text, "nc"), meta_data=META)


@pytest.mark.parametrize("body", ["#cloud-config\nhostname: 5\n", "hello", ""])
def test_a_bad_part_of_several_is_refused(body: str) -> None:
    data = multipart(MIMEText("#!/bin/sh\n", "x-shellscript"), MIMEText(body, "plain"))
    refused(starts="user-data(part 2):", user_data=one(data), meta_data=META)


def test_a_part_of_unknown_type_is_refused() -> None:
    refused(starts="user-data(part 1):", user_data=one(multipart(MIMEText("x", "html"))), meta_data=META)


def test_parts_within_parts_are_refused() -> None:
    inner = MIMEMultipart()
    inner.attach(MIMEText("#!/bin/sh\n", "x-shellscript"))
    outer = MIMEMultipart()
    outer.attach(inner)
    refused(starts="user-data:", user_data=one(outer.as_bytes()), meta_data=META)


@pytest.mark.parametrize("instance_id", ["", "a b", "a/b", "a\nb", "a" * 256])
def test_a_bad_instance_id_is_refused(instance_id: str) -> None:
    with pytest.raises(BadPayload):
        nocloud.build(user_data=one(""), instance_id=instance_id)


META = one("instance-id: i-1\n", "md")
FORMS = {
    "config": GOOD.encode(),
    "empty": b"",
    "script": b"#!/bin/sh\necho\n",
    "boothook": b"#cloud-boothook\n#!/bin/sh\n",
    "include": b"#include\nhttps://example.org/x\n# no\n\n",
    "jinja": b"## template: jinja\n#cloud-config\nhostname: {{ v1.region }}\n",
    "archive": b"#cloud-config-archive\n- '#!/bin/sh'\n- {type: text/cloud-config, content: 'a: b'}\n",
    "part-handler": b"#part-handler\ndef list_types(): return []\n",
    "gzip": gzip.compress(GOOD.encode()),
    "multipart": multipart(MIMEText(GOOD, "cloud-config"), MIMEText("#!/bin/sh\n", "x-shellscript")),
    "multipart-base64": multipart(MIMEApplication(GOOD.encode(), "octet-stream")).replace(
        b"application/octet-stream", b"text/cloud-config"
    ),
    "multipart-gzip": gzip.compress(multipart(MIMEText(GOOD, "cloud-config"))),
}


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_user_data_come_through_unchanged(data: bytes) -> None:
    made = build(data, vendor_data=one(data, "vd"))
    assert made.label == "cidata"
    found = contents(made.tree)
    assert found["/user-data"] == found["/vendor-data"] == data
    assert yaml.safe_load(found["/meta-data"]) == {"instance-id": "i-1", "local-hostname": "web1"}
    assert CANARY not in str(made.warnings)


def test_good_cloud_config_has_no_warnings() -> None:
    assert build(GOOD).warnings == ()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("runcmds: []", "did you mean 'runcmd'"),
        ("password: " + CANARY, "plain text"),
        ("users: [{name: a, plain_text_passwd: " + CANARY + "}]", "plain text"),
        ("users: [{name: a, passwd: " + CANARY + "}]", "no password hash"),
        ("ca-certs: {}", "ca_certs"),
        ("{}", "empty"),
    ],
)
def test_what_is_warned_of(text: str, word: str) -> None:
    (found,) = build("#cloud-config\n" + text + "\n").warnings
    assert word in found.problem
    assert CANARY not in found.problem
    assert found.line == 2


@pytest.mark.parametrize(
    "text",
    [
        (
            "version: 2\nethernets:\n  all: {match: {name: 'e*'}, dhcp4: true, "
            "nameservers: {addresses: ['1.1.1.1', '::1']}}"
        ),
        (
            "network:\n  version: 2\n  ethernets: {eth0: {addresses: [10.0.0.2/24], "
            "routes: [{to: default, via: 10.0.0.1}]}}"
        ),
        (
            "version: 1\nconfig:\n- {type: physical, name: eth0, mac_address: '52:54:00:12:34:56', "
            "subnets: [{type: dhcp}]}"
        ),
        "config: disabled",
    ],
)
def test_a_good_network_config_is_accepted(text: str) -> None:
    made = build("", network_config=one(text, "nc"))
    assert contents(made.tree)["/network-config"] == text.encode()
    assert made.warnings == ()


@pytest.mark.parametrize(
    "form", ["config", "gzip", "multipart", "multipart-base64", "multipart-gzip", "script"]
)
def test_the_scrubbed_twin_is_the_same_instance_without_secrets(form: str) -> None:
    network = f"version: 2\nwifis: {{w: {{access-points: {{x: {{password: {CANARY}}}}}, dhcp4: true}}}}\n"
    meta = f"instance-id: i-1\nlocal-hostname: web1\nadmin: {CANARY}\n"
    made = build(FORMS[form], network_config=one(network, "nc"), meta_data=one(meta, "md"))
    twin = nocloud.scrub(made)
    found = contents(twin.tree)
    assert twin.label == "cidata"
    assert yaml.safe_load(found["/meta-data"]) == {"instance-id": "i-1", "local-hostname": "web1"}
    assert not [path for path, data in found.items() if CANARY.encode() in data or b"ssh-" in data]
    config = yaml.safe_load(found["/user-data"])
    assert config.get("hostname") == (None if form == "script" else "web1")
    assert "users" not in config
    assert found["/user-data"].startswith(b"#cloud-config\n")
    assert yaml.safe_load(found["/network-config"])["wifis"] == {"w": {"dhcp4": True}}
    assert contents(nocloud.scrub(twin).tree) == found


SLOW = {
    "unknown-keys": "".join(f"runcmd{n}: 1\n" for n in range(45_000)),
    "key-of-blanks": "ssh_authorized_keys: ['" + " " * 500_000 + "']\n",
    "key-of-keys": 'ssh_authorized_keys: ["' + "ssh-rsa A " * 800 + '\\n\\n"]\n',
    "key-with-tail": 'ssh_authorized_keys: ["ssh-rsa A' + " " * 8000 + '\\n\\nx"]\n',
    "host": "hostname: " + "a-" * 100_000 + "\n",
    "zone": "timezone: " + "a/" * 100_000 + "\n",
    "users": "users:\n" + "- {nme: x}\n" * 20_000,
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_no_input_takes_long(text: str) -> None:
    begun = time.process_time()
    try:
        found = len(build("#cloud-config\n" + text).warnings)
    except BadPayload as error:
        found = len(error.also)
    assert 1 <= found <= 200
    assert time.process_time() - begun < 5
