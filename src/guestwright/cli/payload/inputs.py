"""The options that say what goes on a medium, and the reading of the files they name."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import click

from guestwright.base.errors import UsageError
from guestwright.media.errors import MediaSourceError
from guestwright.media.sources.model import MIB, Input, Payload
from guestwright.media.tree import FileSource

Command = TypeVar("Command", bound=Callable[..., Any])
_MAX_READ: Final = 64 * MIB  # bytes of one input that is checked
_MAX_FILES: Final = 1000
_KINDS: Final = ("unattend", "answers", "user_data", "config_drive", "ignition", "files")
_FILE_LIMIT: Final = 1 << 40

_OPTIONS: Final[tuple[tuple[tuple[str, ...], dict[str, Any]], ...]] = (
    (("--unattend",), {"metavar": "FILE", "help": "Answer file of Windows: unattend.xml or sysprep.inf."}),
    (("--answers",), {"metavar": "FILE", "help": "Short form, YAML or JSON, to make an unattend.xml of."}),
    (("--user-data",), {"metavar": "FILE", "help": "User-data of cloud-init, on a NoCloud medium."}),
    (("--meta-data",), {"metavar": "FILE", "help": "Its meta-data; else made of the next two."}),
    (("--instance-id",), {"default": "", "metavar": "ID", "help": "cloud-init works once for each."}),
    (("--hostname",), {"default": "", "metavar": "NAME", "help": "Name of the machine."}),
    (("--network-config",), {"metavar": "FILE", "help": "Its network, version 1 or 2."}),
    (("--vendor-data",), {"metavar": "FILE", "help": "Its vendor-data."}),
    (("--config-drive",), {"metavar": "DIR", "help": "OpenStack's config drive: a folder with 'openstack'."}),
    (("--ignition",), {"metavar": "FILE", "help": "Configuration of Ignition, on a config drive."}),
    (("--file", "files"), {"multiple": True, "metavar": "NAME=PATH", "help": "A file of any name; repeat."}),
    (("--base64",), {"is_flag": True, "help": "What --file names is base64."}),
    (("--volume-id",), {"metavar": "LABEL", "help": "Volume label; its reader's by default."}),
    (
        ("--policy",),
        {
            "type": click.Choice(["none", "ovirt"]),
            "default": "none",
            "help": "Limits for --file; ovirt: 8 KiB each.",
        },
    ),
    (("--limit",), {"type": click.IntRange(1), "metavar": "BYTES", "help": "Largest --unattend or --file."}),
    (
        ("--unknown-components",),
        {"is_flag": True, "help": "Windows components that are unknown here may pass."},
    ),
    (("--json", "as_json"), {"is_flag": True, "help": "One JSON document on standard output."}),
)


def input_options(command: Command) -> Command:
    """Add the options."""
    for names, rest in reversed(_OPTIONS):
        command = click.option(*names, **rest)(command)
    return command


def payload_from(params: dict[str, Any]) -> Payload:
    """Read and check what the options name.

    Raises:
        UsageError: the options do not fit together.
        BadPayload: an input is wrong.
        MediaSourceError: a file cannot be read.
    """
    given = [one for one in _KINDS if params[one]]
    if len(given) != 1:
        names = "--unattend, --answers, --user-data, --config-drive, --ignition or --file"
        raise UsageError(problem=f"expected one of {names}")
    _refuse_strays(params, given[0])
    made = _MAKERS[given[0]](params)
    return _labelled(made, params["volume_id"])


def read_input(path: str, limit: int = _MAX_READ) -> Input:
    """All of a file, or of standard input.

    Raises:
        MediaSourceError: it cannot be read, or is larger than `limit` bytes.
    """
    if path == "-":
        data = sys.stdin.buffer.read(limit + 1)
    else:
        try:
            with open(path, "rb") as file:
                if stat.S_ISDIR(os.fstat(file.fileno()).st_mode):
                    raise IsADirectoryError(0, "is a folder")
                data = file.read(limit + 1)
        except (OSError, ValueError) as error:
            problem = getattr(error, "strerror", None) or "is no name of a file"
            raise MediaSourceError(path=path, problem=problem) from error
    if len(data) > limit:
        raise MediaSourceError(path=path, problem=f"is larger than {limit} bytes")
    return Input(name="(standard input)" if path == "-" else path, data=data)


def _refuse_strays(params: dict[str, Any], kind: str) -> None:
    with_user_data = ("meta_data", "network_config", "vendor_data", "instance_id", "hostname")
    for name in with_user_data:
        if params[name] and kind != "user_data":
            raise UsageError(problem=f"--{name.replace('_', '-')} goes with --user-data only")
    if params["meta_data"] and (params["instance_id"] or params["hostname"]):
        raise UsageError(problem="--instance-id and --hostname make meta-data; --meta-data has them already")
    named = [params[one] for one in (*_KINDS[:3], "meta_data", "network_config", "vendor_data", "ignition")]
    named += [one.partition("=")[2] for one in params["files"]]
    if named.count("-") > 1:
        raise UsageError(problem="standard input can be read once only")
    if params["base64"] and kind != "files":
        raise UsageError(problem="--base64 goes with --file only")
    if params["policy"] != "none" and kind != "files":
        raise UsageError(problem="--policy goes with --file only")


def _unattend(params: dict[str, Any]) -> Payload:
    from guestwright.media.sources import unattend

    limit = params["limit"] or unattend.DEFAULT_LIMIT
    one = read_input(params["unattend"])
    return unattend.build(one, limit=limit, unknown_components=params["unknown_components"])


def _answers(params: dict[str, Any]) -> Payload:
    from guestwright.media.sources import unattend
    from guestwright.media.sources.unattend_form import form_of, render
    from guestwright.media.sources.yaml_nodes import parse_yaml

    one = read_input(params["answers"], MIB)
    data = render(form_of(one.name, parse_yaml(one.name, one.data)))
    return unattend.build(Input(name="unattend.xml", data=data))


def _user_data(params: dict[str, Any]) -> Payload:
    from guestwright.media.sources import nocloud

    more = {
        name: read_input(params[name]) if params[name] else None
        for name in ("meta_data", "network_config", "vendor_data")
    }
    if not params["meta_data"] and not params["instance_id"]:
        raise UsageError(problem="--user-data needs --meta-data FILE or --instance-id ID")
    return nocloud.build(
        user_data=read_input(params["user_data"]),
        instance_id=params["instance_id"],
        hostname=params["hostname"],
        **more,
    )


def _config_drive(params: dict[str, Any]) -> Payload:
    from guestwright.media.sources import configdrive

    top = params["config_drive"]
    return configdrive.build([(name, read_input(os.path.join(top, name))) for name in _names_in(top)])


def _ignition(params: dict[str, Any]) -> Payload:
    from guestwright.media.sources import ignition

    return ignition.build(read_input(params["ignition"]))


def _files(params: dict[str, Any]) -> Payload:
    from guestwright.media.sources import files

    label = params["volume_id"] if params["volume_id"] is not None else files.DEFAULT_LABEL
    pairs = [_pair(one) for one in params["files"]]
    least = files.OVIRT.file_bytes if params["policy"] == "ovirt" else _FILE_LIMIT
    limit = params["limit"] or least
    limits = files.Limits(count=_MAX_FILES, file_bytes=limit, total_bytes=_MAX_FILES * limit)
    if params["base64"]:
        texts = [(name, read_input(path).data.decode("latin-1")) for name, path in pairs]
        return files.build_base64(texts, label=label, limits=limits)
    return files.build([(name, _source(path)) for name, path in pairs], label=label, limits=limits)


def _pair(text: str) -> tuple[str, str]:
    name, found, path = text.partition("=")
    if not found or not path:
        raise UsageError(problem=f"--file {text}: expected NAME=PATH")
    return name, path


def _source(path: str) -> Input | FileSource:
    if path == "-":
        return read_input(path)
    from guestwright.media.sink import measured

    return measured(path)


def _names_in(top: str) -> list[str]:
    found: list[str] = []
    for name in _walk(top, ""):
        found.append(name)
        if len(found) > _MAX_FILES:
            raise MediaSourceError(path=top, problem=f"has more than {_MAX_FILES} files")
    return sorted(found)


def _walk(top: str, below: str) -> Iterator[str]:
    try:
        with os.scandir(os.path.join(top, below)) as entries:
            for one in entries:
                name = f"{below}/{one.name}" if below else one.name
                if one.is_dir(follow_symlinks=False):
                    yield from _walk(top, name)
                elif one.is_file(follow_symlinks=False):
                    yield name
                else:
                    raise MediaSourceError(path=one.path, problem="is no file and no folder")
    except OSError as error:
        raise MediaSourceError(path=top, problem=error.strerror or "cannot be read") from error


def _labelled(payload: Payload, label: str | None) -> Payload:
    from guestwright.base.record import replace
    from guestwright.media.sources.files import check_label
    from guestwright.media.sources.model import Form

    if label is None:
        return payload
    check_label(label)
    free = payload.form in {Form.FILES, Form.UNATTEND}
    if not free and label.lower() != payload.label.lower():
        raise UsageError(problem=f"the guest looks for the label '{payload.label}'; leave --volume-id out")
    return replace(payload, label=label)


_MAKERS: Final[dict[str, Callable[[dict[str, Any]], Payload]]] = {
    "unattend": _unattend,
    "answers": _answers,
    "user_data": _user_data,
    "config_drive": _config_drive,
    "ignition": _ignition,
    "files": _files,
}
