"""Writes docs/xenstore-schema.md from the agent's tables; `--check` only tells whether it is up to date.

Exit status 1 with --check when the page differs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from guestwright.agent.core import budget, nics, publish, schema
from guestwright.agent.core.conversations import WORDS

PAGE = Path(__file__).parents[1] / "docs/xenstore-schema.md"

HEAD = f"""# The guest's keys

This page is made from the tables that the agent itself uses, by `tools/gen_schema.py`; do not edit it.
Paths are relative to the domain's directory, `/local/domain/<domid>`. `{{n}}` is a number that the host
gave to a device, `{{m}}` an index counted from 0 without gaps, `{{id}}` a name.

## Permissions

The host decides which directories a guest may write. There are two layouts, and the agent works with
both:

| directory | libxl (plain Xen) | xenopsd (XAPI) |
|---|---|---|
| `data`, `attr`, `drivers`, `feature` | guest writes | guest writes |
| `control` | guest reads | guest writes |
| `control/shutdown`, `sysrq`, `feature-poweroff`, `-reboot`, `-suspend` | guest writes | guest writes |
| `xenserver/attr`, `xenserver/device` | absent | guest writes |
| `unique-domain-id` | absent | guest reads |

A node that the guest makes belongs to the guest, and takes the rest of its permissions from the directory
above. What the store refuses is said once in the guest's log and tried again after
{publish.REFUSED_FIRST:.0f} s, then twice as long each time, at most {publish.REFUSED_LAST / 60:.0f} min;
nothing else waits for it. All features are also in `data/guestwright/features`, so that a host that
cannot be told in `control/` is told there.

## Rules

- A *subject* (one NIC, the operating system) is one transaction, but on Xen, where [guests must not begin
  any](decisions/0007-no-transactions-over-xenbus.md). After the start, a resume, a migration
  or a lost connection, everything is written again, and what other agents left in these directories goes
  away in the same batch that writes the new.
- At most {budget.NODES_MAX} nodes, directories included; fewer when the store says that its quota is
  reached. What is given up goes by *priority*, the highest number first; of what is counted, each further
  eight come one number later. How many keys that are is told in `{budget.OMITTED}`.
- Values are printable UTF-8, at most 255 bytes (`members`: 1024). What is not known has no key.
- xenopsd watches `attr`, `control`, `feature` and `xenserver/attr`, but not `data`. When only keys below
  `data` change, `{publish.TOUCHED}` is written again, and `{publish.UPDATED}` counted up, last of all.
  Keys that are *quiet* cause neither. Numbers with a *slack* are written when they change by that much
  and by 1 %.
- When the agent is stopped, all keys are removed that are not *lasting*.

## Network interfaces

`data/net/<id>` has every network interface that is hardware ({", ".join(nics.HARDWARE)}) or stands on
hardware ({", ".join(nics.SOFTWARE)}). Ids stay the same while the guest runs, whatever an interface is
called:

| id | of |
|---|---|
| `vif-N` | Xen's VIF number N |
| `pci-0000_00_05_0` | a card at PCI address 0000:00:05.0, virtio too; then `-portK` or `-ifK` if needed |
| `usb-1-2_1_0` | a card at USB address 1-2:1.0 |
| `bridge-7`, `bond-7`, `vlan-7`, … | the software interface with index 7; `guid` is a bridge's own id |

`attr/vif/N` and `xenserver/attr/net-sriov-vf/N` are for readers of XAPI's time. Addresses of a software
interface that stands on exactly one hardware interface are there too, after its own. Addresses of global
scope come first, then site and link scope; within these the deprecated ones last, temporary ones before
them. Tentative ones are only in `data/net`.
"""


def page() -> str:
    """The whole page."""
    lines = [HEAD]
    groups: dict[str, list[schema.Row]] = {}
    for row in schema.ROWS:
        groups.setdefault(row.group, []).append(row)
    lines += ["## What the agent publishes", ""]
    for group, rows in groups.items():
        lines += [*_group(group, rows), ""]
    lines += ["## What is asked and answered", ""]
    for protocol in dict.fromkeys(word.protocol for word in WORDS):
        lines += [
            f"### {protocol[0].upper()}{protocol[1:]}",
            "",
            "| key | written by | meaning |",
            "|---|---|---|",
        ]
        lines += [
            f"| `{word.path}` | {word.writer} | {word.meaning} |"
            for word in WORDS
            if word.protocol == protocol
        ]
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def _group(group: str, rows: list[schema.Row]) -> Iterator[str]:
    yield f"### {group}"
    yield ""
    yield "| key | type | priority | meaning | read by | notes |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        notes = [name for name in ("quiet", "lasting") if getattr(row, name)]
        if row.slack:
            notes.append(f"slack {row.slack}")
        if row.path in schema.KERNEL_KEYS:
            notes.append("on Xen the kernel writes it")
        cells = (f"`{row.path}`", row.kind, str(row.priority), row.meaning, row.readers, ", ".join(notes))
        yield f"| {' | '.join(cells)} |"


def main(arguments: list[str]) -> int:
    """Write the page, or compare it."""
    wanted = page()
    if arguments == ["--check"]:
        same = PAGE.exists() and PAGE.read_text() == wanted
        if not same:
            sys.stderr.write(f"{PAGE.name} is not up to date: run tools/gen_schema.py\n")
        return 0 if same else 1
    if arguments:
        sys.stderr.write("usage: gen_schema.py [--check]\n")
        return 2
    PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
