"""Which function turns which directive into changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from guestwright.seal.changes import Change
from guestwright.seal.customise import copying, files
from guestwright.seal.customise import directives as d
from guestwright.seal.customise.agent import plan_agent
from guestwright.seal.customise.edit import plan_edit
from guestwright.seal.customise.firstboot import plan_firstboot, plan_firstboot_command
from guestwright.seal.customise.hostname import plan_hostname
from guestwright.seal.customise.password import plan_lock, plan_password
from guestwright.seal.customise.ssh_key import plan_ssh_key
from guestwright.seal.customise.timezone import plan_timezone
from guestwright.seal.guest import Guest

PLANNERS: Final[dict[type[d.Directive], Callable[[Any, Guest], Iterable[Change]]]] = {
    d.SetHostname: plan_hostname,
    d.SetTimezone: plan_timezone,
    d.SetPassword: plan_password,
    d.LockAccount: plan_lock,
    d.InjectSshKey: plan_ssh_key,
    d.FirstBoot: plan_firstboot,
    d.FirstBootCommand: plan_firstboot_command,
    d.InstallAgent: plan_agent,
    d.WriteFile: files.plan_write,
    d.UploadFile: files.plan_upload,
    d.AppendLine: files.plan_append,
    d.EditFile: plan_edit,
    d.CopyInside: copying.plan_copy,
    d.MoveInside: copying.plan_move,
    d.MakeDirectories: files.plan_mkdir,
    d.Delete: files.plan_delete,
    d.TruncateFile: files.plan_truncate,
    d.TruncateRecursive: files.plan_truncate_recursive,
    d.Touch: files.plan_touch,
    d.Chmod: files.plan_chmod,
    d.Chown: files.plan_chown,
    d.LinkTo: files.plan_link,
}


def plan(directive: d.Directive, guest: Guest) -> Iterable[Change]:
    """The changes that one directive wants done to this guest as it is now; none when all is as it wants."""
    return PLANNERS[type(directive)](directive, guest)
