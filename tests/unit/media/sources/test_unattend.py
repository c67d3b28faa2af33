"""Answer files of Windows: what is accepted, refused and warned of; the short form; the scrubbed twin."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.base.secret import Secret
from guestwright.media.sources import unattend
from guestwright.media.sources.errors import BadPayload, PayloadTooLarge
from guestwright.media.sources.model import Input, contents
from guestwright.media.sources.unattend_form import AnswerForm, Join, form_of, render
from guestwright.media.sources.xml_tree import parse_xml
from guestwright.media.sources.yaml_nodes import parse_yaml

NS = (
    'xmlns="urn:schemas-microsoft-com:unattend" xmlns:wcm="http://schemas.microsoft.com/WMIConfig/2002/State"'
)
ATTRIBUTES = (
    'processorArchitecture="amd64" publicKeyToken="31bf3856ad364e35" language="neutral" versionScope="nonSxS"'
)
SHELL = f'component name="Microsoft-Windows-Shell-Setup" {ATTRIBUTES}'
CANARY = "h0rseStaple!"


def answers(inside: str, *, during: str = "specialize", component: str = SHELL) -> str:
    name = component.partition(" ")[0]
    return (
        f'<unattend {NS}>\n<settings pass="{during}">\n<{component}>\n{inside}</{name}></settings></unattend>'
    )


def build(text: str, name: str = "unattend.xml") -> tuple[str, ...]:
    made = unattend.build(Input(name=name, data=text.encode()))
    return tuple(one.problem for one in made.warnings)


def component(name: str) -> str:
    return f'component name="{name}" {ATTRIBUTES}'


BAD = {
    "no-namespace": "<unattend/>",
    "other-namespace": '<unattend xmlns="urn:x"/>',
    "other-root": f"<answers {NS}/>",
    "no-settings": f"<unattend {NS}/>",
    "no-pass": f"<unattend {NS}><settings/></unattend>",
    "unknown-pass": answers("", during="oobe"),
    "pass-case": answers("", during="OobeSystem"),
    "pass-twice": f'<unattend {NS}><settings pass="specialize"/><settings pass="specialize"/></unattend>',
    "settings-elsewhere": f"<unattend {NS}><component/></unattend>",
    "not-a-component": f'<unattend {NS}><settings pass="specialize"><x/></settings></unattend>',
    "no-name": answers("", component=f"component {ATTRIBUTES}"),
    "unknown-component": answers("", component=component("Microsoft-Windows-Shell-Setpu")),
    "wrong-pass-setup": answers("", component=component("Microsoft-Windows-Setup")),
    "wrong-pass-pe": answers("", component=component("Microsoft-Windows-International-Core-WinPE")),
    "wrong-pass-shell": answers("", during="windowsPE"),
    "wrong-pass-join": answers(
        "", during="oobeSystem", component=component("Microsoft-Windows-UnattendedJoin")
    ),
    "wrong-pass-pnp": answers("", component=component("Microsoft-Windows-PnpSysprep")),
    "no-architecture": answers("", component='component name="Microsoft-Windows-Shell-Setup"'),
    "architecture": answers("", component=SHELL.replace("amd64", "x64")),
    "token": answers("", component=SHELL.replace("31bf3856ad364e35", "0000000000000000")),
    "language": answers("", component=SHELL.replace("neutral", "de-DE")),
    "scope": answers("", component=SHELL.replace("nonSxS", "none")),
    "component-twice": f"<unattend {NS}>"
    f'<settings pass="specialize"><{SHELL}/><{SHELL}/></settings></unattend>',
    "name-long": answers("<ComputerName>ABCDEFGHIJKLMNOP</ComputerName>"),
    "name-empty": answers("<ComputerName></ComputerName>"),
    "name-space": answers("<ComputerName>A B</ComputerName>"),
    "name-dot": answers("<ComputerName>a.b</ComputerName>"),
    "name-digits": answers("<ComputerName>12345</ComputerName>"),
    "name-slash": answers("<ComputerName>a/b</ComputerName>"),
    "name-underscore": answers("<ComputerName>a_b</ComputerName>"),
    "name-hyphen": answers("<ComputerName>-a</ComputerName>"),
    "key": answers("<ProductKey>12345</ProductKey>"),
    "key-letters": answers("<ProductKey>AAAAA-BBBBB-CCCCC-DDDDD-EEEEE</ProductKey>"),
    "zone-iana": answers("<TimeZone>Europe/Berlin</TimeZone>"),
    "zone-empty": answers("<TimeZone> </TimeZone>"),
    "locale": answers(
        "<UserLocale>German</UserLocale>", component=component("Microsoft-Windows-International-Core")
    ),
    "copy-profile": answers("<CopyProfile>yes</CopyProfile>"),
    "plain-text": answers(
        "<AutoLogon><Password><Value>x</Value><PlainText>no</PlainText></Password></AutoLogon>"
    ),
    "order": answers(
        "<FirstLogonCommands><SynchronousCommand><Order>0</Order></SynchronousCommand></FirstLogonCommands>"
    ),
    "order-text": answers("<A><B><Order>x</Order></B></A>"),
    "order-twice": answers("<A><B><Order>1</Order></B><B><Order>1</Order></B></A>"),
    "action": answers('<A wcm:action="create"/>'),
    "mixed": answers("<A>text<B/></A>"),
    "empty-namespace": answers('<A xmlns=""/>'),
    "ou": answers(
        "<MachineObjectOU>Servers</MachineObjectOU>", component=component("Microsoft-Windows-UnattendedJoin")
    ),
}
INF = "[GuiUnattended]\r\nAdminPassword=h0rseStaple!\r\nTimeZone=110\r\n[UserData]\r\nComputerName=WEB1\r\n"
BAD_INF = {
    "empty": "",
    "comment-only": "; hello\n",
    "no-section": "a=b\n",
    "no-equals": "[UserData]\nhello\n",
    "twice": "[UserData]\nFullName=a\nfullname=b\n",
    "open-section": "[UserData\nFullName=a\n",
    "name-long": "[UserData]\nComputerName=ABCDEFGHIJKLMNOP\n",
    "nul": "[UserData]\nFullName=a\0b\n",
    "control": "[UserData]\nFullName=\x1b[2J\n",
    "xml": "<unattend/>",
}
FULL = AnswerForm(
    computer_name="WEB1",
    time_zone="W. Europe Standard Time",
    locale="de-DE",
    product_key=Secret("VK7JG-NPHTM-C97JM-9MPGT-3V66T"),
    administrator_password=Secret(CANARY),
    join=Join(
        domain="example.org", user="joiner", password=Secret("ja!" + CANARY), organization_unit="OU=a,DC=b"
    ),
    organization="R&D <x> ]]>",
    owner='"Ä"',
    first_logon_commands=("cmd /c echo a && b > c", "powershell -c \"'x'\""),
)
BAD_FORMS = [
    *(
        "[]",
        "x",
        "computer_name: 1",
        "nonsense: x",
        "locale: ''",
        "join: {domain: x}",
        "join: x",
        "owner: {}",
    ),
    *("first_logon_commands: x", "first_logon_commands: [1]", "architecture: z80", "computer_nam: x"),
    *("administrator_password: [a]", "product_key: 5", "join: {domain: a, user: b, password: 1}"),
]


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_bad_answer_file_is_refused(text: str) -> None:
    with pytest.raises(BadPayload) as caught:
        build(text)
    assert caught.value.message.startswith("unattend.xml:")


@pytest.mark.parametrize("text", BAD_INF.values(), ids=BAD_INF)
def test_a_bad_sysprep_inf_is_refused(text: str) -> None:
    with pytest.raises(BadPayload):
        build(text, "sysprep.inf")


@pytest.mark.parametrize("data", [INF.encode("utf-16")[:-1], INF.encode("utf-16-le")])
def test_sysprep_inf_in_broken_utf16_is_refused(data: bytes) -> None:
    with pytest.raises(BadPayload):
        unattend.build(Input(name="sysprep.inf", data=data))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252", "utf-8-sig"])
def test_sysprep_inf_warns_of_a_password(encoding: str) -> None:
    data = (INF + "OrgName=Käse\r\n").encode(encoding)
    made = unattend.build(Input(name="SYSPREP.INF", data=data))
    assert list(contents(made.tree)) == ["/SYSPREP.INF"]
    (warning,) = made.warnings
    assert (warning.line, warning.column) == (2, 1)
    twin = contents(unattend.scrub(made).tree)["/SYSPREP.INF"]
    assert CANARY.encode() not in twin
    assert b"ComputerName=WEB1" in twin


@pytest.mark.parametrize("name", ["unattend.xml", "Unattend.XML", "autounattend.xml", "AUTOUNATTEND.XML"])
def test_the_names_that_windows_looks_for_are_kept(name: str) -> None:
    made = unattend.build(Input(name="/x/" + name, data=answers("").encode()))
    assert list(contents(made.tree)) == ["/" + name]


def test_another_name_becomes_unattend_xml() -> None:
    made = unattend.build(Input(name="web1-answers.xml", data=answers("").encode()))
    assert list(contents(made.tree)) == ["/unattend.xml"]
    with pytest.raises(BadPayload):
        unattend.build(Input(name="x", data=answers("").encode()), name="other.xml")


def test_the_limit_is_inclusive() -> None:
    text = answers("").encode()
    exact = text + b" " * (unattend.DEFAULT_LIMIT - len(text))
    unattend.build(Input(name="a", data=exact))
    with pytest.raises(PayloadTooLarge):
        unattend.build(Input(name="a", data=exact + b" "))
    unattend.build(Input(name="a", data=exact + b" "), limit=40_000)


def test_unknown_components_can_be_let_pass() -> None:
    text = answers("", component=component("Contoso-Driver")).encode()
    made = unattend.build(Input(name="a", data=text), unknown_components=True)
    assert "Contoso-Driver" in made.warnings[0].problem


@pytest.mark.parametrize(
    ("inside", "warned"),
    [
        (f"<A><Password><Value>{CANARY}</Value><PlainText>true</PlainText></Password></A>", True),
        (f"<A><Password><Value>{CANARY}</Value></Password></A>", True),
        (
            f"<AdministratorPassword><Value>{CANARY}</Value><PlainText>false</PlainText></AdministratorPassword>",
            False,
        ),
        (f"<Credentials><Password>{CANARY}</Password></Credentials>", True),
        ("<A><Password><Value></Value><PlainText>true</PlainText></Password></A>", False),
    ],
)
def test_plain_text_passwords_are_warned_of_and_not_shown(inside: str, *, warned: bool) -> None:
    found = build(answers(inside))
    assert bool(found) is warned
    assert CANARY not in str(found)


def test_a_typo_gets_advice() -> None:
    with pytest.raises(BadPayload, match="did you mean 'Microsoft-Windows-Shell-Setup'"):
        build(BAD["unknown-component"])


def test_all_problems_are_told_in_order() -> None:
    with pytest.raises(BadPayload) as caught:
        build(
            answers(
                "<ComputerName>a b</ComputerName>\n<TimeZone>A/B</TimeZone>\n<CopyProfile>1</CopyProfile>"
            )
        )
    assert [one.line for one in caught.value.also] == [4, 5, 6]
    assert caught.value.params["line"] == 4


def test_the_short_form_is_rendered_and_accepted() -> None:
    data = render(FULL)
    root = parse_xml("x", data)
    texts = {one.name: one.text for one in root.walk() if not one.children}
    assert texts["ComputerName"] == "WEB1"
    assert texts["RegisteredOrganization"] == "R&D <x> ]]>"
    assert texts["CommandLine"] == "powershell -c \"'x'\""
    assert base64.b64decode(texts["Value"]).decode("utf-16-le") == CANARY + "AdministratorPassword"
    assert CANARY.encode() in data  # the domain's password has no obscured form
    made = unattend.build(Input(name="unattend.xml", data=data))
    assert [one.problem for one in made.warnings] == ["Password: a password in plain text"]


@pytest.mark.parametrize(
    "form",
    [
        AnswerForm(computer_name="A" * 16),
        AnswerForm(computer_name="a b"),
        AnswerForm(computer_name="</ComputerName>"),
        AnswerForm(time_zone="Europe/Berlin"),
        AnswerForm(locale="deutsch!"),
        AnswerForm(product_key=Secret(CANARY)),
        AnswerForm(owner="a\0b"),
        AnswerForm(owner="a\x1bb"),
        AnswerForm(owner="\ud800"),
        AnswerForm(join=Join(domain="a", user="b", password=Secret("c"), organization_unit="x")),
    ],
)
def test_a_bad_value_of_the_form_is_refused(form: AnswerForm) -> None:
    with pytest.raises(BadPayload) as caught:
        render(form)
    assert CANARY not in caught.value.message


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), min_size=1, max_size=30))
def test_text_of_the_form_never_becomes_markup(value: str) -> None:
    root = parse_xml("x", render(AnswerForm(owner=value, first_logon_commands=(value,))))
    found = {one.name: one.text for one in root.walk()}
    assert found["RegisteredOwner"] == found["CommandLine"] == value


@pytest.mark.parametrize("text", BAD_FORMS)
def test_a_bad_form_is_refused(text: str) -> None:
    with pytest.raises(BadPayload) as caught:
        form_of("form.yaml", parse_yaml("form.yaml", text.encode()))
    assert caught.value.message.startswith("form.yaml:1:")


def test_a_form_is_read() -> None:
    text = "computer_name: WEB1\nadministrator_password: p\njoin: {domain: d, user: u, password: q}\n"
    form = form_of("f", parse_yaml("f", text.encode()))
    assert form.computer_name == "WEB1"
    assert form.join is not None
    assert form.join.password.reveal() == "q"
    assert "p" not in str(form.administrator_password)


def test_the_scrubbed_twin_has_no_secret() -> None:
    made = unattend.build(Input(name="unattend.xml", data=render(FULL)), label="X")
    twin = unattend.scrub(made)
    data = contents(twin.tree)["/unattend.xml"]
    for secret in (
        CANARY,
        "VK7JG",
        "joiner",
        "echo",
        base64.b64encode(CANARY.encode("utf-16-le"))[:12].decode(),
    ):
        assert secret.encode() not in data
    assert b"<ComputerName>WEB1</ComputerName>" in data
    assert twin.label == "X"
    assert contents(unattend.scrub(twin).tree) == contents(twin.tree)
    unattend.build(Input(name="unattend.xml", data=data))
