"""The files of the first-boot service: templates and places, nothing that looks at a guest."""

from __future__ import annotations

from typing import Final

NAME: Final = "guestwright-firstboot"
USUAL_BASE: Final = "/usr/lib/guestwright/firstboot"
IMMUTABLE_BASE: Final = "/var/lib/guestwright/firstboot"
"""Where /usr is not the machine's own (ostree)."""

BIN: Final = "bin"
"""SELinux policies label everything below /usr/lib/…/bin as a program (bin_t)."""

LOG: Final = "/var/log/guestwright-firstboot.log"
UNIT: Final = f"/etc/systemd/system/{NAME}.service"
WANTS: Final = "/etc/systemd/system/multi-user.target.wants"
INIT_SCRIPT: Final = f"/etc/init.d/{NAME}"

_RUNNER: Final = """\
#!/bin/sh
# Runs every script in "scripts" once, in the order of their names, then disables itself.
# A script is moved to "done" before it runs, so that a crash or a restart never runs it twice.
base=@BASE@/bin
log=@LOG@
umask 077
run() {
    mkdir -p "$base/done"
    for script in "$base"/scripts/*; do
        [ -f "$script" ] || continue
        name=${script##*/}
        mv "$script" "$base/done/$name" || continue
        echo "$(date) $name: start"
        "$base/done/$name" </dev/null
        echo "$(date) $name: exit status $?"
        rm -f "$base/done/$name"
    done
    rm -f @LINKS@
}
run >>"$log" 2>&1
"""

_UNIT: Final = """\
[Unit]
Description=First-boot scripts (Guestwright)
Wants=network-online.target
After=network-online.target
ConditionDirectoryNotEmpty=@BASE@/bin/scripts

[Service]
Type=oneshot
ExecStart=/bin/sh @BASE@/bin/run
RemainAfterExit=yes
TimeoutStartSec=infinity

[Install]
WantedBy=multi-user.target
"""

_OPENRC: Final = """\
#!/sbin/openrc-run
description="First-boot scripts (Guestwright)"
depend() {
    after *
}
start() {
    ebegin "Running first-boot scripts"
    /bin/sh @BASE@/bin/run
    eend 0
}
"""

_SYSV: Final = """\
#!/bin/sh
### BEGIN INIT INFO
# Provides:          @NAME@
# Required-Start:    $all
# Required-Stop:
# Default-Start:     2 3 4 5
# Default-Stop:
# Short-Description: First-boot scripts (Guestwright)
### END INIT INFO
# chkconfig: 2345 99 00
case "$1" in
    start) /bin/sh @BASE@/bin/run ;;
esac
exit 0
"""


def runner(base: str, links: tuple[str, ...]) -> bytes:
    """The script that runs the scripts.

    Args:
        base: `USUAL_BASE` or `IMMUTABLE_BASE`.
        links: symlinks that enable the service; removed in the end.
    """
    return _filled(_RUNNER.replace("@LINKS@", " ".join(links)), base)


def unit(base: str) -> bytes:
    """The systemd unit."""
    return _filled(_UNIT, base)


def openrc(base: str) -> bytes:
    """The OpenRC service."""
    return _filled(_OPENRC, base)


def sysv(base: str) -> bytes:
    """The System V init script."""
    return _filled(_SYSV, base)


def _filled(template: str, base: str) -> bytes:
    return template.replace("@BASE@", base).replace("@LOG@", LOG).replace("@NAME@", NAME).encode("ascii")
