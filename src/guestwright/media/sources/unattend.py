"""The answer file of Windows on a medium: unattend.xml, autounattend.xml or sysprep.inf.

Example::

    build(Input(name="unattend.xml", data=render(AnswerForm(computer_name="WEB1", locale="en-US"))))

A scrubbed twin keeps only elements that are known to hold no secret: whoever reads the disc later finds the
computer's name and locale, no password, key, account or command.
"""

from __future__ import annotations

import os.path
from typing import Final
from xml.etree import ElementTree as ET

from guestwright.base.record import replace
from guestwright.media.sources import sysprep_inf
from guestwright.media.sources.errors import BadPayloadName
from guestwright.media.sources.findings import Findings, refuse
from guestwright.media.sources.model import Form, Input, Payload, contents, tree_of
from guestwright.media.sources.text import within
from guestwright.media.sources.unattend_check import CPI, NAMESPACE, check_answers
from guestwright.media.sources.xml_tree import Element, parse_xml

DEFAULT_LABEL: Final = "UNATTEND"
DEFAULT_LIMIT: Final = 32 * 1024  # bytes, inclusive: what XAPI takes
NAMES: Final = ("unattend.xml", "autounattend.xml", "sysprep.inf")
_INF: Final = "sysprep.inf"
_KEPT: Final = frozenset(
    {
        "ComputerName",
        "TimeZone",
        "InputLocale",
        "SystemLocale",
        "UILanguage",
        "UILanguageFallback",
        "UserLocale",
        "RegisteredOrganization",
        "RegisteredOwner",
        "CopyProfile",
        "SkipRearm",
    }
)


def build(
    answers: Input,
    *,
    name: str = "",
    label: str = DEFAULT_LABEL,
    limit: int = DEFAULT_LIMIT,
    unknown_components: bool = False,
) -> Payload:
    """Check an answer file.

    Args:
        answers: the file.
        name: on the medium; empty takes the input's if it is one of `NAMES` in any case, else unattend.xml.
        label: the volume label; Windows does not look at it.
        limit: bytes.
        unknown_components: let components pass that are not in our table.

    Raises:
        BadPayload: not an answer file, or one that Windows would refuse.
    """
    given = name or os.path.basename(answers.name)
    if given.lower() not in NAMES:
        if name:
            raise refuse(name, f"expected one of {', '.join(NAMES)}", kind=BadPayloadName)
        given = NAMES[0]
    data = within(answers.name, answers.data, limit)
    findings = Findings(answers.name)
    if given.lower() == _INF:
        sysprep_inf.read_inf(answers.name, data, findings)
    else:
        root = parse_xml(answers.name, data)
        check_answers(root, findings, unknown_components=unknown_components)
    warnings = findings.finish()
    return Payload(form=Form.UNATTEND, label=label, tree=tree_of([("/" + given, data)]), warnings=warnings)


def scrub(payload: Payload) -> Payload:
    """The same label and file name; of the settings only those that are known to be no secrets."""
    files = []
    for path, data in contents(payload.tree).items():
        if path.lower().endswith("/" + _INF):
            files.append((path, sysprep_inf.scrubbed(sysprep_inf.read_inf(path, data, Findings(path)))))
        elif path[1:].lower() in NAMES:
            files.append((path, _without_secrets(parse_xml(path, data))))
    return replace(payload, tree=tree_of(files), warnings=())


def _without_secrets(root: Element) -> bytes:
    made = ET.Element("unattend", {"xmlns": NAMESPACE})
    for settings in root.children:
        if settings.space == CPI or settings.name != "settings":
            continue
        kept = ET.SubElement(made, "settings", {"pass": settings.attribute("pass") or ""})
        for component in settings.children:
            attributes = {name: value for (space, name), value in component.attributes.items() if not space}
            copy = ET.SubElement(kept, "component", attributes)
            for one in component.children:
                if one.name in _KEPT and not one.children:
                    ET.SubElement(copy, one.name).text = one.text
    ET.indent(made)
    data: bytes = ET.tostring(made, encoding="utf-8", xml_declaration=True)
    return data + b"\n"
