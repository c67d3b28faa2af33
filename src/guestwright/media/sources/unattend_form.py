"""A minimal answer file from a short form.

Theory of operation: the document is built as elements and written by the standard library's serialiser, so
that nothing in a value can become markup; then it is parsed back and checked as any other answer file.
Passwords are obscured as Windows System Image Manager does it (base64 of the UTF-16 text and the element's
name): that is no encryption, only a guard against reading over a shoulder. A domain join's password has
no such form.
"""

from __future__ import annotations

import base64
from typing import Any, Final
from xml.etree import ElementTree as ET

from guestwright.base.record import record
from guestwright.base.secret import Secret
from guestwright.media.sources.findings import Findings, refuse
from guestwright.media.sources.nodes import Node, plain
from guestwright.media.sources.rules import choice, list_of, mapping, text
from guestwright.media.sources.unattend_check import NAMESPACE, WCM, check_answers
from guestwright.media.sources.unattend_rules import ARCHITECTURES, PUBLIC_KEY_TOKEN
from guestwright.media.sources.xml_tree import parse_xml

_NAME: Final = "(form)"


@record
class Join:
    """A domain, and who may join machines to it."""

    domain: str
    user: str
    password: Secret
    organization_unit: str = ""


@record
class AnswerForm:
    """What a minimal answer file says; what is empty is left to Windows.

    Attributes:
        computer_name: at most 15 characters, or `*` for a random one.
        time_zone: Windows' name, such as `W. Europe Standard Time`.
        locale: for user, system, input and display, such as `de-DE`.
        first_logon_commands: run in order when somebody first logs on.
        architecture: of Windows.
    """

    computer_name: str = "*"
    time_zone: str = ""
    locale: str = ""
    product_key: Secret | None = None
    administrator_password: Secret | None = None
    join: Join | None = None
    organization: str = ""
    owner: str = ""
    first_logon_commands: tuple[str, ...] = ()
    architecture: str = "amd64"


_TEXT: Final = text(longest=1024, empty=False)
FORM_RULE: Final = mapping(
    {
        "computer_name": text(longest=63),
        "time_zone": _TEXT,
        "locale": _TEXT,
        "product_key": _TEXT,
        "administrator_password": _TEXT,
        "join": mapping(
            {"domain": _TEXT, "user": _TEXT, "password": _TEXT, "organization_unit": _TEXT},
            required=("domain", "user", "password"),
        ),
        "organization": _TEXT,
        "owner": _TEXT,
        "first_logon_commands": list_of(_TEXT, most=100),
        "architecture": choice(*ARCHITECTURES[:4]),
    }
)


def form_of(file: str, node: Node) -> AnswerForm:
    """The form that a YAML or JSON document holds; its keys are the attributes of `AnswerForm`.

    Raises:
        BadPayload: an unknown key or a wrong kind of value.
    """
    findings = Findings(file)
    FORM_RULE(node, "", findings)
    findings.finish()
    values: dict[str, Any] = plain(node)
    for secret in ("product_key", "administrator_password"):
        if secret in values:
            values[secret] = Secret(values[secret])
    if "join" in values:
        join = values["join"]
        values["join"] = Join(**{**join, "password": Secret(join["password"])})
    values["first_logon_commands"] = tuple(values.get("first_logon_commands", ()))
    return AnswerForm(**values)


def render(form: AnswerForm) -> bytes:
    """The answer file.

    Raises:
        BadPayload: a value breaks a rule, such as a computer name of more than 15 characters.
    """
    root = ET.Element("unattend", {"xmlns": NAMESPACE, "xmlns:wcm": WCM})
    specialize = ET.SubElement(root, "settings", {"pass": "specialize"})
    _specialize(specialize, form)
    oobe = ET.SubElement(root, "settings", {"pass": "oobeSystem"})
    _oobe(oobe, form)
    ET.indent(root)
    try:
        data: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"
    except UnicodeEncodeError:
        raise refuse(_NAME, "a value holds half of a surrogate pair") from None
    findings = Findings(_NAME)
    check_answers(parse_xml(_NAME, data), findings)
    findings.finish()
    return data


def _specialize(settings: ET.Element, form: AnswerForm) -> None:
    shell = _component(settings, "Shell-Setup", form)
    _add(shell, "ComputerName", form.computer_name)
    if form.product_key is not None:
        _add(shell, "ProductKey", form.product_key.reveal())
    _add(shell, "RegisteredOrganization", form.organization)
    _add(shell, "RegisteredOwner", form.owner)
    _add(shell, "TimeZone", form.time_zone)
    if form.join is not None:
        unattended = ET.SubElement(_component(settings, "UnattendedJoin", form), "Identification")
        credentials = ET.SubElement(unattended, "Credentials")
        _add(credentials, "Domain", form.join.domain)
        _add(credentials, "Password", form.join.password.reveal())
        _add(credentials, "Username", form.join.user)
        _add(unattended, "JoinDomain", form.join.domain)
        _add(unattended, "MachineObjectOU", form.join.organization_unit)


def _oobe(settings: ET.Element, form: AnswerForm) -> None:
    if form.locale:
        international = _component(settings, "International-Core", form)
        for name in ("InputLocale", "SystemLocale", "UILanguage", "UserLocale"):
            _add(international, name, form.locale)
    shell = _component(settings, "Shell-Setup", form)
    if form.first_logon_commands:
        commands = ET.SubElement(shell, "FirstLogonCommands")
        for number, command in enumerate(form.first_logon_commands, start=1):
            one = ET.SubElement(commands, "SynchronousCommand", {"wcm:action": "add"})
            _add(one, "CommandLine", command)
            _add(one, "Order", str(number))
    oobe = ET.SubElement(shell, "OOBE")
    _add(oobe, "HideEULAPage", "true")
    _add(oobe, "HideOnlineAccountScreens", "true")
    _add(oobe, "HideWirelessSetupInOOBE", "true")
    _add(oobe, "ProtectYourPC", "3")
    if form.administrator_password is not None:
        password = ET.SubElement(ET.SubElement(shell, "UserAccounts"), "AdministratorPassword")
        obscured = (form.administrator_password.reveal() + "AdministratorPassword").encode("utf-16-le")
        _add(password, "Value", base64.b64encode(obscured).decode())
        _add(password, "PlainText", "false")


def _component(settings: ET.Element, name: str, form: AnswerForm) -> ET.Element:
    attributes = {
        "name": f"Microsoft-Windows-{name}",
        "processorArchitecture": form.architecture,
        "publicKeyToken": PUBLIC_KEY_TOKEN,
        "language": "neutral",
        "versionScope": "nonSxS",
    }
    return ET.SubElement(settings, "component", attributes)


def _add(parent: ET.Element, name: str, value: str) -> None:
    if value:
        ET.SubElement(parent, name).text = value
