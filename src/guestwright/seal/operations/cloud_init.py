"""cloud-init's memory of the instance that it set up.

The offline equivalent of `cloud-init clean --logs`: everything in its directory goes but `seed`. Without it
cloud-init takes a clone for the same instance, sets nothing up, and because it has switched sshd-keygen off,
no host keys are made either (libguestfs#119).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from guestwright.guestfs.globs import escape
from guestwright.seal import conditions
from guestwright.seal.accounts import normal_path
from guestwright.seal.changes import Change, Note, Options, Severity, Write
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation
from guestwright.seal.paths import Action, PathRule, expand, rules
from guestwright.seal.textfile import encode, filter_lines, read_text

DIRECTORY: Final = "/var/lib/cloud"
MAX_CONFIGS: Final = 64
_CONFIGS: Final = ("/etc/cloud/cloud.cfg", "/etc/cloud/cloud.cfg.d/*.cfg")
_CLEAN: Final = "/etc/cloud/clean.d/*"
_CLOUD_DIR: Final = r"""(?m)^[ \t]+cloud_dir[ \t]*:[ \t]*["']?(/[^"'#\s]*)"""
_LOG: Final = r"""(?:tee[ \t]+-a|>>?|def_log_file[ \t]*:)[ \t]*["']?(/var/log/[\w./-]+)"""
_LOGS: Final = ("/var/log/cloud-init.log", "/var/log/cloud-init-output.log")
_TOO_WIDE: Final = frozenset({"/var/lib", "/var/log", "/var/cache", "/usr/lib", "/usr/local", "/usr/share"})


def plan(guest: Guest, options: Options) -> Iterator[Change]:
    """Remove what is in cloud-init's directory but `seed`, and its logs; report clean.d and the seed."""
    del options
    found = guest.fs.glob([*_CONFIGS, _CLEAN, DIRECTORY])
    if not found:
        return
    configs = [entry.path for entry in found if entry.path.endswith(".cfg")][:MAX_CONFIGS]
    text = "\n".join(read_text(guest.fs, path) or "" for path in configs)
    directories = (DIRECTORY, *cloud_dirs(text))
    tops = [escape(one) for one in directories]
    table = (
        PathRule(
            globs=tuple(f"{top}/{{*,.*}}" for top in tops),
            unless=tuple(f"{top}/seed" for top in tops),
            action=Action.REMOVE_TREE,
            secret=True,
            reason="cloud-init's state; with it a clone is not set up as a new instance",
        ),
        PathRule(
            globs=(*_LOGS, *log_files(text)), regular=True, reason="cloud-init's log of the old machine"
        ),
        PathRule(
            globs=tuple(f"{top}/seed/*/*" for top in tops),
            action=Action.REPORT,
            severity=Severity.INFO,
            reason="cloud-init's seed is kept: each clone is set up from it",
        ),
    )
    yield from expand(guest, table)
    for entry in found:
        if entry.path.startswith("/etc/cloud/clean.d/"):
            text = "cloud-init clean would run this script in the guest; nothing runs here"
            yield Note(path=entry.path, text=text, severity=Severity.INFO)


def cloud_dirs(config: str) -> tuple[str, ...]:
    """The directories that `cloud_dir` names, besides the usual one.

    Args:
        config: all of cloud-init's configuration, joined; read line by line, not as YAML.

    Returns:
        Absolute paths, without those that hold more than cloud-init's own files: a guest that names `/` or
        /var does not get it emptied.
    """
    found = {normal_path(one) for one in re.findall(_CLOUD_DIR, config)}
    return tuple(
        sorted(one for one in found if one.count("/") >= 2 and one not in _TOO_WIDE and one != DIRECTORY)
    )


def log_files(config: str) -> tuple[str, ...]:
    """The files below /var/log that `output` and `def_log_file` name."""
    found = {normal_path(one) for one in re.findall(_LOG, config)}
    return tuple(sorted(found - {""} - set(_LOGS)))


def _fstab(guest: Guest, options: Options, gone: object) -> Iterator[Change]:
    """Drop the lines that cloud-init added to /etc/fstab (`comment=cloudconfig`)."""
    del options, gone
    text = read_text(guest.fs, "/etc/fstab")
    left = None if text is None else filter_lines(text, lambda line: "comment=cloudconfig" not in line)
    if left is not None:
        yield Write(path="/etc/fstab", data=encode(left), reason="mounts that cloud-init added")


OPERATIONS: Final = (
    Operation(
        name="cloud-init",
        summary="Make cloud-init take each clone for a new instance",
        severity=Severity.ERROR,
        applies=conditions.linux,
        plan=plan,
        source="cloud-init clean(1); libguestfs#119",
    ),
    Operation(
        name="cloud-init-config",
        summary="Remove the network and SSH configuration that cloud-init wrote",
        severity=Severity.WARNING,
        default=False,
        applies=conditions.linux,
        plan=rules(
            PathRule(
                globs=(
                    "/etc/netplan/50-cloud-init.yaml",
                    "/etc/NetworkManager/conf.d/{99-cloud-init,30-cloud-init-ip6-addr-gen-mode}.conf",
                    "/etc/NetworkManager/system-connections/cloud-init-*.nmconnection",
                    "/etc/systemd/network/10-cloud-init-*.network",
                    "/etc/network/interfaces.d/50-cloud-init{,.cfg}",
                    "/etc/ssh/sshd_config.d/50-cloud-init.conf",
                ),
                reason="written by cloud-init for the old machine; written again for a new instance",
            ),
            then=_fstab,
        ),
        source="cloud-init clean(1), --configs all",
    ),
)
