"""`guestwright agent build`: the agent as one file, or as a Debian package."""

from __future__ import annotations

import os
from typing import Any

import click

_EPILOG = """\b
Examples:
  guestwright agent build
  guestwright agent build --output /srv/tools/guestwright-agent.pyz --replace
  guestwright agent build --deb

\b
Run the file in a guest with `python3 -I -S -E guestwright-agent.pyz` (Python 3.8
or later, nothing else); the package does so by systemd or an init script. Equal
versions of Guestwright write equal bytes."""


@click.command(epilog=_EPILOG, short_help="Write the agent as one file, or as a Debian package.")
@click.option(
    "--output",
    metavar="FILE",
    help="What to write.  [default: guestwright-agent.pyz, or the package's name]",
)
@click.option("--deb", is_flag=True, help="A Debian package for all architectures.")
@click.option("--replace", is_flag=True, help="Take the place of a file that is there.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def build(output: str | None, *, deb: bool, replace: bool, as_json: bool) -> None:
    """Write the agent, whole or not at all."""
    from guestwright.agent.package import deb as package
    from guestwright.agent.package import pyz
    from guestwright.cli.output import print_json, say
    from guestwright.media.output import create
    from guestwright.seal.errors import OutputExists

    path = output or (package.file_name() if deb else "guestwright-agent.pyz")
    if os.path.lexists(path) and not replace:
        raise OutputExists(path=path)
    data = pyz.build()
    if deb:
        data = package.build(data)
    with create(path, mode=0o644 if deb else 0o755, replace=replace) as descriptor:
        _write(descriptor, data)
    if as_json:
        document: dict[str, Any] = {"kind": "guestwright.agent.built", "schema": 1, "output": path}
        print_json({**document, "format": "deb" if deb else "pyz", "size": len(data)})
        return
    say(f"{path}: {len(data)} bytes")


def _write(descriptor: int, data: bytes) -> None:
    with open(descriptor, "wb", closefd=False) as stream:
        stream.write(data)
