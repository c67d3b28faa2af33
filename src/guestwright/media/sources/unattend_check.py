"""Checks an answer file of Windows: its namespace, passes, components, values; finds plain-text passwords."""

from __future__ import annotations

import difflib
from typing import Final

from guestwright.media.sources.findings import Findings
from guestwright.media.sources.unattend_rules import (
    ARCHITECTURES,
    COMPONENTS,
    PASSES,
    PUBLIC_KEY_TOKEN,
    check_of,
)
from guestwright.media.sources.xml_tree import Element

NAMESPACE: Final = "urn:schemas-microsoft-com:unattend"
WCM: Final = "http://schemas.microsoft.com/WMIConfig/2002/State"
CPI: Final = "urn:schemas-microsoft-com:cpi"
_ACTIONS: Final = ("add", "modify", "remove", "delete")
_OBSCURED: Final = {"AdministratorPassword", "Password", "DomainAccountPassword"}
_SHOWN: Final = 60


def check_answers(root: Element, findings: Findings, *, unknown_components: bool = False) -> None:
    """Note what is wrong with an answer file.

    Args:
        root: the root element.
        findings: takes the problems.
        unknown_components: whether components that are not in the table are fine, with a warning.
    """
    if (root.space, root.name) != (NAMESPACE, "unattend"):
        problem = f"the root must be 'unattend' in the namespace {NAMESPACE}"
        findings.problem(root.at, problem)
        return
    seen: set[str] = set()
    for one in root.children:
        if (one.space, one.name) == (NAMESPACE, "settings"):
            _settings(one, seen, findings, unknown=unknown_components)
        elif (one.space, one.name) not in {(NAMESPACE, "servicing"), (CPI, "offlineImage")}:
            findings.problem(one.at, f"'{one.name[:_SHOWN]}' may not stand here; expected 'settings'")
    if not seen:
        findings.problem(root.at, "there are no settings for any pass")
    for one in root.walk():
        _everywhere(one, findings)


def _settings(one: Element, seen: set[str], findings: Findings, *, unknown: bool) -> None:
    name = one.attribute("pass")
    if name is None:
        findings.problem(one.at, "'settings' lacks the attribute 'pass'")
        return
    if name not in PASSES:
        findings.problem(one.at, f"unknown pass{_like(name, PASSES)}; expected one of {', '.join(PASSES)}")
        return
    if name in seen:
        findings.problem(one.at, f"the pass '{name}' is there twice")
    seen.add(name)
    components: set[tuple[str, str]] = set()
    for child in one.children:
        if (child.space, child.name) != (NAMESPACE, "component"):
            findings.problem(child.at, f"'{child.name[:_SHOWN]}' may not stand here; expected 'component'")
            continue
        _component(child, name, findings, unknown=unknown)
        key = (child.attribute("name") or "", child.attribute("processorArchitecture") or "")
        if key in components:
            findings.problem(child.at, "this component is there twice in the pass, for the same architecture")
        components.add(key)


def _component(one: Element, during: str, findings: Findings, *, unknown: bool) -> None:
    name = one.attribute("name")
    if not name:
        findings.problem(one.at, "'component' lacks the attribute 'name'")
        return
    passes = COMPONENTS.get(name)
    if passes is None and not findings.full(warnings=unknown):
        note = findings.warn if unknown else findings.problem
        note(one.at, f"unknown component '{name[:_SHOWN]}'{_like(name, tuple(COMPONENTS))}")
    elif passes and during not in passes:
        findings.problem(one.at, f"{name} is not for the pass '{during}' but for {', '.join(passes)}")
    _attribute(one, "processorArchitecture", ARCHITECTURES, findings)
    _attribute(one, "publicKeyToken", (PUBLIC_KEY_TOKEN,), findings)
    _attribute(one, "language", ("neutral",), findings)
    _attribute(one, "versionScope", ("nonSxS", "SxS"), findings)
    for inner in one.walk():
        check = check_of(name, inner.name)
        if check is not None and not inner.children and (problem := check(inner.text)) is not None:
            findings.problem(inner.at, f"{inner.name}: {problem}")
    orders(one, findings)


def orders(component: Element, findings: Findings) -> None:
    """Commands that run at the same place of the order: Windows refuses the file."""
    for parent in component.walk():
        seen: set[str] = set()
        for one in parent.children:
            number = one.child("Order")
            if number is not None and number.text in seen:
                findings.problem(number.at, "two commands have the same order")
            if number is not None:
                seen.add(number.text)


def _attribute(one: Element, name: str, allowed: tuple[str, ...], findings: Findings) -> None:
    value = one.attribute(name)
    if value is None:
        findings.problem(one.at, f"'component' lacks the attribute '{name}'")
    elif value.lower() not in {each.lower() for each in allowed}:
        findings.problem(one.at, f"{name}: expected one of {', '.join(allowed)}")


def _everywhere(one: Element, findings: Findings) -> None:
    action = one.attributes.get((WCM, "action"))
    if action is not None and action not in _ACTIONS:
        findings.problem(one.at, f"wcm:action: expected one of {', '.join(_ACTIONS)}")
    if one.space == "":
        findings.problem(one.at, f"'{one.name[:_SHOWN]}' is in no namespace")
    if one.children and one.text.strip():
        findings.problem(one.at, f"'{one.name[:_SHOWN]}' holds both text and elements")
    if one.name in _OBSCURED and (value := one.child("Value")) is not None and value.text:
        said = one.child("PlainText")
        if said is None or said.text.strip() != "false":
            findings.warn(value.at, f"{one.name}: a password in plain text")
    elif one.name in _OBSCURED and not one.children and one.text.strip():
        findings.warn(one.at, f"{one.name}: a password in plain text")


def _like(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name[:_SHOWN], known, n=1, cutoff=0.75)
    return f"; did you mean '{near[0]}'?" if near else ""
