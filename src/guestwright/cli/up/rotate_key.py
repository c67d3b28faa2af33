"""`guestwright payload rotate-key`: on the engine's machine, by whoever runs it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

from guestwright.base.errors import UsageError
from guestwright.cli.engine.options import confirmed
from guestwright.cli.output import print_json, say, warn

if TYPE_CHECKING:
    from guestwright.engine.process.settings import Settings

_EPILOG: Final = """\b
Examples:
  guestwright payload rotate-key
  guestwright payload rotate-key --drop-former
  guestwright payload rotate-key --stage                    several engines: first this,
  guestwright payload rotate-key --use 3f0c9a17b2d4e586     then copy the file, then this

\b
Run it on the engine's machine as the engine's user; the engine may run. The file
`payload-keys` gets a new key on top, and all payloads are encrypted anew with it.
Former keys stay in the file for backups of the database; --drop-former removes
those that nothing there needs.

\b
Exit codes: 0 done, 1 failed, or something could not be read, 2 wrong usage."""


@click.command("rotate-key", epilog=_EPILOG, short_help="Change the key that payloads are encrypted with.")
@click.option("--stage", is_flag=True, help="Only put a new key into the file, for reading.")
@click.option("--use", metavar="KEY", help="Take this one, which is in the file, in place of a new one.")
@click.option("--drop-former", is_flag=True, help="Only remove keys that nothing needs any more.")
@click.option("--yes", is_flag=True, help="With --drop-former: do not ask.")
@click.option(
    "--config",
    metavar="FILE",
    help="Settings of the engine.  [default: /etc/guestwright/engine.toml, if it is there]",
)
@click.option("--directory", metavar="DIR", help="Where the engine keeps its own.")
@click.option("--database", metavar="URL", help="Of the engine.")
@click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
def rotate_key(
    *, stage: bool, use: str | None, drop_former: bool, yes: bool, as_json: bool, **where: str | None
) -> int:
    """Encrypt payloads with a new key from now on, and anew those that are kept."""
    from guestwright.engine.process import rekey
    from guestwright.engine.process.settings import KEYS

    if stage + drop_former + (use is not None) > 1:
        raise UsageError(problem="--stage, --use and --drop-former are each for themselves")
    settings = _settings(where)
    if stage:
        key = rekey.stage(settings)
        _tell(as_json, {"staged": key}, f"{key} is in {settings.path(KEYS)}; nothing uses it yet")
        return 0
    if drop_former:
        return _drop(settings, yes=yes, as_json=as_json)
    done = rekey.rekey(settings, use, _progress)
    unreadable = done.resealed.unreadable
    for one in unreadable:
        warn(f"guestwright: {one}")
    document = {
        "key": done.key,
        "former": list(done.former),
        "encrypted_anew": done.resealed.count,
        "unreadable": len(unreadable),
    }
    _tell(as_json, document, f"{done.key} encrypts from now on; {done.resealed.count} encrypted anew")
    return 1 if unreadable else 0


def _drop(settings: Settings, *, yes: bool, as_json: bool) -> int:
    from guestwright.engine.process import rekey

    former, needed = rekey.former(settings)
    for one in sorted(needed):
        warn(f"guestwright: {one} stays: something is encrypted with it; rotate the key first")
    going = [one for one in former if one not in needed]
    if going:
        question = f"Remove {', '.join(going)}? Backups of before cannot be read without"
        confirmed(question, yes=yes)
    gone = rekey.drop_former(settings) if going else ()
    document = {"dropped": list(gone), "needed": sorted(needed)}
    _tell(as_json, document, f"removed: {', '.join(gone)}" if gone else "there is none to remove")
    return 1 if needed else 0


def _settings(where: dict[str, str | None]) -> Settings:
    from guestwright.cli.up.where import absolute
    from guestwright.engine.process.settings import load

    return load(where["config"], directory=absolute(where["directory"]), database=where["database"])


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{done} of {total}" if done < total else "\r\x1b[K")
        sys.stderr.flush()


def _tell(as_json: bool, document: dict[str, Any], words: str) -> None:
    if as_json:
        print_json({"kind": "guestwright.payload.key", "schema": 1, "payload_key": document})
    else:
        say(words)
