"""SSH host keys: removed, and where the guest would not make new ones, a unit that does.

Red Hat's packages make missing keys at boot (sshd-keygen@.service), SUSE's and Arch's as well, OpenRC's
script too. Debian's make them only when the package is installed, so a sealed Debian or Ubuntu would come up
without SSH (vagrant-libvirt#759). There a small unit runs `ssh-keygen -A`, which makes only what is missing,
before ssh is started, socket-activated or not; Debian with sysvinit gets a line in /etc/default/ssh, which
its init script reads. The unit is also installed on guests whose cloud-init switches sshd-keygen off:
cloud-init makes keys on a new instance only (libguestfs#119).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from guestwright.seal import conditions
from guestwright.seal.changes import Change, Note, Options, Severity, Write
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation
from guestwright.seal.paths import Action, PathRule, rules
from guestwright.seal.textfile import encode, read_text
from guestwright.seal.units import Unit, install

_UNITS: Final = "{/etc,/usr/lib,/lib}/systemd/system"
_MAKERS: Final = (
    f"{_UNITS}/{{sshd-keygen@.service,sshd-keygen.target,sshdgenkeys.service,ssh-keygen*.service}}",
    "/usr/sbin/{sshd-gen-keys-start,sshd-keygen}",
    "/usr/libexec/openssh/sshd-keygen",
)
_ENABLED: Final = f"{_UNITS}/*.wants/sshd-keygen.service"
_SWITCHED_OFF: Final = f"{_UNITS}/sshd-keygen@.service.d/*cloud-init*"
_DEFAULTS: Final = "/etc/default/ssh"
_REASON: Final = "the guest would not make new SSH host keys by itself"

UNIT: Final = Unit(
    name="guestwright-ssh-hostkeys",
    description="Make missing SSH host keys",
    command="/usr/bin/ssh-keygen -A",
    before=("ssh.service", "ssh.socket", "sshd.service", "sshd.socket"),
    wanted_by=("multi-user.target", "ssh.service"),
    early=True,
    reason=_REASON,
)
LINE: Final = (
    '[ "$1" != start ] || /usr/bin/ssh-keygen -A >/dev/null 2>&1 || :  # guestwright: missing host keys'
)


def remake(guest: Guest, options: Options, gone: Sequence[Change]) -> Iterator[Change]:
    """See that each clone makes its own keys; also when no key is there any more."""
    del options, gone
    if guest.os.type != "linux":
        return
    patterns = ("/usr/sbin/sshd", "/usr/bin/ssh-keygen", *_MAKERS, _ENABLED, _SWITCHED_OFF)
    found = {entry.path for entry in guest.fs.glob(patterns)}
    if not {"/usr/sbin/sshd", "/usr/bin/ssh-keygen"} <= found:
        return
    off = {path for path in found if "/sshd-keygen@.service.d/" in path}
    makers = found - off - {"/usr/sbin/sshd", "/usr/bin/ssh-keygen"}
    if guest.os.init == "systemd":
        if off or not makers:
            yield from install(guest, UNIT)
    elif guest.os.init == "sysvinit" and not makers:
        yield from _sysvinit(guest)
    elif guest.os.init != "openrc" and not makers:
        yield Note(text="make new SSH host keys in each clone (ssh-keygen -A) before sshd starts")


def _sysvinit(guest: Guest) -> Iterator[Change]:
    text = read_text(guest.fs, _DEFAULTS)
    if text is None:
        yield Note(text=f"no {_DEFAULTS}: run ssh-keygen -A in each clone before sshd starts")
    elif LINE not in text.split("\n"):
        text += "" if not text or text.endswith("\n") else "\n"
        yield Write(path=_DEFAULTS, data=encode(f"{text}{LINE}\n"), reason=_REASON)


OPERATION: Final = Operation(
    name="ssh-hostkeys",
    summary="Remove the SSH host keys and have each clone make its own",
    severity=Severity.ERROR,
    applies=conditions.unix,
    plan=rules(
        PathRule(
            globs=("/etc/{ssh,openssh}/*_host_*",),
            action=Action.REMOVE,
            secret=True,
            reason="SSH host key; shared by all clones, it lets each pass for any other",
        ),
        then=remake,
    ),
    parity=True,
    source="virt-sysprep(1), ssh-hostkeys; ssh-keygen(1), -A; systemd.special(7)",
)
