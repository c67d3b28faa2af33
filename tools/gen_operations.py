"""Writes docs/operations.md from the registry; `--check` only tells whether it is up to date.

Exit status 1 with --check when the page differs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from guestwright.seal.operation import Operation
from guestwright.seal.paths import Action, PathRule, RulePlanner
from guestwright.seal.registry import OPERATIONS

PAGE = Path(__file__).parents[1] / "docs/operations.md"

HEAD = """# Sealing operations

This page is made from the code by `tools/gen_operations.py`; do not edit it.

An operation runs where its condition holds; operations of the set `defaults` run unless told otherwise. The
severity says how bad it is when `seal verify` still finds something: **error** is an identity or secret that
all clones would share, **warning** a trace of the old machine, **info** a log or cache. What differs from
virt-sysprep on purpose is in [differences.md](differences.md).

In the patterns `*` does not match a leading dot, `~/` stands for every home directory (`/root`, those below
`/home`, and those that `/etc/passwd` names elsewhere), and symlinks are resolved inside the guest.
"""


def page() -> str:
    """The whole page."""
    lines = [HEAD, "## Overview", "", "| operation | default | virt-sysprep | severity | what it does |"]
    lines.append("|---|---|---|---|---|")
    by_name = sorted(OPERATIONS, key=lambda one: one.name)
    for one in by_name:
        row = (
            f"[{one.name}](#{one.name})",
            "yes" if one.default else "",
            "yes" if one.parity else "",
            str(one.severity),
            one.summary,
        )
        lines.append(f"| {' | '.join(row)} |")
    lines.append("")
    for one in by_name:
        lines += [*_section(one), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _section(one: Operation) -> Iterator[str]:
    yield f"## {one.name}"
    yield ""
    extra = "runs by default" if one.default else "runs only when asked for"
    late = f"; order {one.order}" if one.order else ""
    yield f"{one.summary}. Severity {one.severity}; {extra}{late}."
    yield ""
    if isinstance(one.plan, RulePlanner):
        for rule in one.plan.rules:
            yield from _rule(rule)
        if one.plan.then is not None:
            yield f"- and then: {_sentence(one.plan.then)}"
        yield ""
    elif text := _sentence(one.plan):
        yield f"- {text}"
        yield ""
    for paragraph in _background(one):
        yield paragraph
        yield ""
    for name, text in one.options.items():
        yield f"- option `{name}`: {text}"
    if one.options:
        yield ""
    yield f"Source: {one.source}."


def _rule(rule: PathRule) -> Iterator[str]:
    verb = "report" if rule.action is Action.REPORT else str(rule.action)
    notes = []
    if rule.secret:
        notes.append("zeroed first")
    if rule.regular:
        notes.append("regular files only")
    if rule.keep:
        notes.append(f"but not {_code(rule.keep)}")
    if rule.unless:
        notes.append(f"but not {_code(rule.unless)}")
    if rule.only_if:
        notes.append(f"only where {_code(rule.only_if)} is there")
    if rule.not_if:
        notes.append(f"not where {_code(rule.not_if)} is there")
    more = f" ({'; '.join(notes)})" if notes else ""
    yield f"- {verb} {_code(rule.globs)}{more}: {rule.reason}"


def _background(one: Operation) -> list[str]:
    """What the module says beyond its first sentence, where the module is about this operation alone."""
    computed = one.plan.then if isinstance(one.plan, RulePlanner) else one.plan
    module = sys.modules.get(getattr(computed, "__module__", ""))
    if getattr(module, "OPERATION", None) is not one:
        return []
    return (getattr(module, "__doc__", None) or "").strip().split("\n\n")[1:]


def _code(patterns: tuple[str, ...]) -> str:
    return ", ".join(f"`{one}`" for one in patterns)


def _sentence(function: object) -> str:
    """First paragraph of a docstring of ours; nothing for one without, or inherited from a class."""
    text = getattr(function, "__doc__", None) or ""
    reason = getattr(function, "reason", "")
    if reason:
        patterns: tuple[str, ...] = getattr(function, "globs", ())
        return f"drop lines from {_code(patterns)}: {reason}"
    return " ".join(text.split("\n\n", 1)[0].split())


def main(arguments: list[str]) -> int:
    """Write the page, or compare it."""
    wanted = page()
    if arguments == ["--check"]:
        same = PAGE.exists() and PAGE.read_text() == wanted
        if not same:
            sys.stderr.write(f"{PAGE.name} is not up to date: run tools/gen_operations.py\n")
        return 0 if same else 1
    if arguments:
        sys.stderr.write("usage: gen_operations.py [--check]\n")
        return 2
    PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
