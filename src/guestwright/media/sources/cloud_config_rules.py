"""What cloud-config may say: the keys of cloud-init's modules and the kinds of their values.

Source: cloud-init documentation, "Module reference", and the rules of its published schema (cloud-config v1),
stated here in our own form: the keys that people write most are checked deeply, the others for being known.
An unknown key is a warning: cloud-init ignores it.
"""

from __future__ import annotations

from typing import Final

from guestwright.media.sources.findings import Findings
from guestwright.media.sources.nodes import Node
from guestwright.media.sources.rules import (
    Rule,
    also,
    anything,
    boolean,
    choice,
    deprecated,
    either,
    entry_of,
    integer,
    list_of,
    mapping,
    optional,
    text,
)

_TEXT: Final = text()
_SAID: Final = text(empty=False)
_NUMBER_OR_TEXT: Final = either(_TEXT, integer(), what="text or a number")
_PATH: Final = text(pattern=r"/[^\0]*", what="an absolute path")
_MODE: Final = text(pattern=r"0?o?[0-7]{3,5}", what="an octal mode in quotes, such as '0644'")
_HOST: Final = text(
    pattern=r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
    r"(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*",
    what="a host name",
)
_USER_NAME: Final = text(pattern=r"[^:\s/,\0]{1,64}\$?", what="a user name")
_LIST_OR_TEXT: Final = either(list_of(_TEXT), _TEXT, what="text or a list of text")
_NAMES: Final = either(list_of(_TEXT), mapping(others=anything), _TEXT, what="text, a list or a mapping")
_COMMAND: Final = optional(
    either(_TEXT, list_of(_NUMBER_OR_TEXT), what="a command: text, or a list of its arguments")
)
_COMMANDS: Final = list_of(_COMMAND)
_SSH_KEY: Final = text(
    # Each part starts with what the one before cannot end in: no input makes the search long.
    pattern=r"\s*(?:[^#\s][^#\n]*[ \t])?(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp(?:256|384|521)"
    r"|sk-[a-z0-9-]+@openssh\.com|[a-z0-9-]+-cert-v01@openssh\.com)"
    r"[ \t]+[A-Za-z0-9+/]+={0,3}(?:[ \t][^\n]*)?\n?",
    what="one public SSH key, such as 'ssh-ed25519 AAAA... name'",
    longest=8192,
)
_SSH_KEYS: Final = list_of(_SSH_KEY)


def _hashed(node: Node, path: str, findings: Findings) -> None:
    _SAID(node, path, findings)
    if isinstance(node.value, str) and node.value and not node.value.startswith(("$", "!", "*")):
        findings.warn(node.at, f"{path}: this is no password hash; it would be used as one")


def _plain_password(node: Node, path: str, findings: Findings) -> None:
    _NUMBER_OR_TEXT(node, path, findings)
    if node.value not in {"R", "RANDOM"}:
        findings.warn(node.at, f"{path}: a password in plain text")


_USER_KEYS: Final[dict[str, Rule]] = {
    "name": _USER_NAME,
    "doas": list_of(_TEXT),
    "expiredate": optional(text(pattern=r"[0-9]{4}-[0-9]{2}-[0-9]{2}", what="a date, year-month-day")),
    "gecos": _TEXT,
    "groups": either(_TEXT, list_of(_TEXT), mapping(others=anything), what="text or a list"),
    "homedir": _PATH,
    "inactive": _NUMBER_OR_TEXT,
    "lock_passwd": boolean,
    "lock-passwd": deprecated(boolean, "write lock_passwd"),
    "no_create_home": boolean,
    "no_log_init": boolean,
    "no_user_group": boolean,
    "passwd": _hashed,
    "hashed_passwd": _hashed,
    "plain_text_passwd": _plain_password,
    "create_groups": boolean,
    "primary_group": _TEXT,
    "selinux_user": _TEXT,
    "shell": _PATH,
    "snapuser": _TEXT,
    "ssh_authorized_keys": _SSH_KEYS,
    "ssh-authorized-keys": deprecated(_SSH_KEYS, "write ssh_authorized_keys"),
    "ssh_import_id": list_of(_TEXT),
    "ssh_redirect_user": either(boolean, _TEXT, what="true or false"),
    "system": boolean,
    "sudo": either(_TEXT, choice(False, None), list_of(_TEXT), what="a sudo rule, a list of them, or false"),
    "uid": either(integer(0), text(pattern="[0-9]+", what="a number"), what="a number"),
}


def _named(node: Node, path: str, findings: Findings) -> None:
    if entry_of(node, "name") is None and entry_of(node, "snapuser") is None:
        findings.problem(node.at, f"{path}: lacks the key 'name'")


_USER: Final = also(mapping(_USER_KEYS), _named)
_USERS: Final = either(
    list_of(either(_USER, _TEXT, list_of(_TEXT), what="a user: a name or a mapping")),
    _TEXT,
    mapping(others=anything),
    what="a list of users",
)


def _is_bytes(node: Node, path: str, findings: Findings) -> None:
    if not isinstance(node.value, bytes):
        findings.problem(node.at, f"{path}: expected text")


_WRITE_FILE: Final = mapping(
    {
        "path": _PATH,
        "content": either(_TEXT, _is_bytes, what="text"),
        "source": mapping({"uri": _SAID, "headers": mapping(others=_TEXT)}, required=("uri",)),
        "owner": text(pattern=r"[^:\s]+(:[^:\s]+)?", what="an owner, user:group"),
        "permissions": _MODE,
        "encoding": choice(
            "gz", "gzip", "gz+base64", "gzip+base64", "gz+b64", "gzip+b64", "b64", "base64", "text/plain"
        ),
        "append": boolean,
        "defer": boolean,
    },
    required=("path",),
)


_CHPASSWD: Final = mapping(
    {
        "expire": boolean,
        "users": list_of(
            mapping(
                {"name": _USER_NAME, "type": choice("hash", "text", "RANDOM"), "password": _TEXT},
                required=("name",),
            )
        ),
        "list": deprecated(either(_TEXT, list_of(_TEXT), what="text or a list"), "write users"),
    }
)
_POWER: Final = mapping(
    {
        "delay": either(text(pattern=r"now|\+?[0-9]+", what="'now' or minutes"), integer(0), what="minutes"),
        "mode": choice("poweroff", "reboot", "halt"),
        "message": _TEXT,
        "timeout": integer(0),
        "condition": either(boolean, _TEXT, list_of(_TEXT), what="true, false or a command"),
    },
    required=("mode",),
)
_NTP: Final = optional(
    mapping(
        {
            "enabled": boolean,
            "ntp_client": _TEXT,
            "servers": list_of(_SAID),
            "pools": list_of(_SAID),
            "peers": list_of(_SAID),
            "allow": list_of(_SAID),
            "config": mapping(others=anything),
        }
    )
)
_GROWPART: Final = mapping(
    {
        "mode": choice("auto", "growpart", "gpart", "off", False),
        "devices": list_of(_TEXT),
        "ignore_growroot_disabled": boolean,
    }
)
_PHONE_HOME: Final = mapping(
    {
        "url": _SAID,
        "post": either(choice("all"), list_of(_TEXT), what="'all' or a list"),
        "tries": integer(1),
    },
    required=("url",),
)
_CA: Final = mapping({"remove_defaults": boolean, "remove-defaults": boolean, "trusted": _LIST_OR_TEXT})
_PACKAGES: Final = list_of(
    either(
        _SAID,
        list_of(_TEXT, least=1, most=2),
        mapping({"apt": list_of(anything), "snap": list_of(anything)}),
        what="a package: its name, or its name and version",
    )
)
_RESOLV: Final = mapping(
    {
        "nameservers": list_of(_TEXT),
        "searchdomains": list_of(_TEXT),
        "domain": _TEXT,
        "sortlist": list_of(_TEXT),
        "options": mapping(others=anything),
    }
)
_MOUNTS: Final = list_of(list_of(optional(_NUMBER_OR_TEXT), least=1, most=6))

KEYS: Final[dict[str, Rule]] = {
    "allow_public_ssh_keys": boolean,
    "apt": mapping(others=anything),
    "authkey_hash": _TEXT,
    "autoinstall": mapping(others=anything),
    "bootcmd": _COMMANDS,
    "byobu_by_default": _TEXT,
    "ca_certs": _CA,
    "ca-certs": deprecated(_CA, "write ca_certs"),
    "chpasswd": _CHPASSWD,
    "create_hostname_file": boolean,
    "device_aliases": mapping(others=_TEXT),
    "disable_ec2_metadata": boolean,
    "disable_root": boolean,
    "disable_root_opts": _TEXT,
    "disk_setup": mapping(others=mapping(others=anything)),
    "final_message": _TEXT,
    "fqdn": _HOST,
    "fs_setup": list_of(mapping(others=anything)),
    "groups": _NAMES,
    "growpart": _GROWPART,
    "hostname": _HOST,
    "keyboard": mapping(
        {"layout": _TEXT, "model": _TEXT, "variant": _TEXT, "options": _TEXT}, required=("layout",)
    ),
    "locale": either(_TEXT, choice(False), what="a locale"),
    "locale_configfile": _TEXT,
    "manage_etc_hosts": either(boolean, choice("localhost", "template"), what="true, false or 'localhost'"),
    "manage_resolv_conf": boolean,
    "mounts": _MOUNTS,
    "mount_default_fields": list_of(optional(_NUMBER_OR_TEXT), least=6, most=6),
    "no_ssh_fingerprints": boolean,
    "ntp": _NTP,
    "package_reboot_if_required": boolean,
    "package_update": boolean,
    "package_upgrade": boolean,
    "packages": _PACKAGES,
    "password": _plain_password,
    "phone_home": _PHONE_HOME,
    "power_state": _POWER,
    "prefer_fqdn_over_hostname": boolean,
    "preserve_hostname": boolean,
    "resize_rootfs": either(boolean, choice("noblock"), what="true, false or 'noblock'"),
    "resolv_conf": _RESOLV,
    "runcmd": _COMMANDS,
    "ssh": mapping({"emit_keys_to_console": boolean}),
    "ssh_authorized_keys": _SSH_KEYS,
    "ssh_deletekeys": boolean,
    "ssh_fp_console_blacklist": list_of(_TEXT),
    "ssh_genkeytypes": list_of(choice("dsa", "ecdsa", "ed25519", "rsa")),
    "ssh_import_id": list_of(_TEXT),
    "ssh_key_console_blacklist": list_of(_TEXT),
    "ssh_keys": mapping(others=_TEXT),
    "ssh_publish_hostkeys": mapping({"enabled": boolean, "blacklist": list_of(_TEXT)}),
    "ssh_pwauth": either(boolean, _TEXT, what="true or false"),
    "ssh_quiet_keygen": boolean,
    "swap": mapping({"filename": _TEXT, "size": _NUMBER_OR_TEXT, "maxsize": _NUMBER_OR_TEXT}),
    "timezone": text(
        pattern=r"[A-Za-z0-9_+-][A-Za-z0-9._+-]*(/[A-Za-z0-9_+-][A-Za-z0-9._+-]*)*",
        what="a time zone, such as Europe/Berlin",
    ),
    "user": either(_TEXT, mapping(_USER_KEYS), what="a user: a name or a mapping"),
    "users": _USERS,
    "vendor_data": mapping(
        {"enabled": either(boolean, _TEXT, what="true or false"), "prefix": _LIST_OR_TEXT}
    ),
    "write_files": list_of(_WRITE_FILE),
    **dict.fromkeys(
        (
            *(
                "ansible",
                "apk_repos",
                "apt_pipelining",
                "apt_reboot_if_required",
                "apt_update",
                "apt_upgrade",
            ),
            *("bootcmd_shell", "chef", "cloud_config_modules", "cloud_final_modules", "cloud_init_modules"),
            *(
                "datasource",
                "datasource_list",
                "debug",
                "drivers",
                "fan",
                "grub_dpkg",
                "grub-dpkg",
                "landscape",
            ),
            *(
                "launch-index",
                "lxd",
                "mcollective",
                "merge_how",
                "merge_type",
                "migrate",
                "network",
                "output",
            ),
            *(
                "puppet",
                "random_seed",
                "raspi",
                "reporting",
                "rh_subscription",
                "rpi",
                "rsyslog",
                "runcmd_shell",
            ),
            *("salt_minion", "snap", "spacewalk", "syslog_fix_perms", "system_info", "ubuntu_advantage"),
            *(
                "ubuntu_pro",
                "updates",
                "version",
                "vendor_data2",
                "wireguard",
                "yum_repo_dir",
                "yum_repos",
                "zypper",
            ),
            *("package_reboot", "def_log_file", "log_cfgs", "no-ssh-fingerprints", "ssh_key_types"),
        ),
        anything,
    ),
}
CLOUD_CONFIG: Final = optional(mapping(KEYS, strict=False))

# Keys whose values are no secrets and are looked at on every boot: what a scrubbed twin keeps.
KEPT: Final = frozenset(
    {
        *("hostname", "fqdn", "prefer_fqdn_over_hostname", "preserve_hostname", "create_hostname_file"),
        *("manage_etc_hosts", "manage_resolv_conf", "growpart", "resize_rootfs", "locale", "timezone"),
        *("ssh_deletekeys", "ssh_pwauth", "disable_root", "allow_public_ssh_keys", "no_ssh_fingerprints"),
    }
)
