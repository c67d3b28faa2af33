"""What may stand in an answer file: passes, components, and the values whose rules are known.

Source: "Unattended Windows Setup Reference", Microsoft Learn: configuration passes, components and their
settings.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

PASSES: Final = (
    "windowsPE",
    "offlineServicing",
    "generalize",
    "specialize",
    "auditSystem",
    "auditUser",
    "oobeSystem",
)
ARCHITECTURES: Final = ("amd64", "x86", "arm64", "arm", "ia64", "wow64", "msil")
PUBLIC_KEY_TOKEN: Final = "31bf3856ad364e35"  # noqa: S105 - names Microsoft, public
_PREFIX: Final = "Microsoft-Windows-"
_LATER: Final = tuple(one for one in PASSES if one != "windowsPE")

# Component to the passes it is for; none given: any.
_PASSES_OF: Final[dict[str, tuple[str, ...]]] = {
    "Setup": ("windowsPE",),
    "International-Core-WinPE": ("windowsPE",),
    "PnpCustomizationsWinPE": ("windowsPE",),
    "PnpCustomizationsNonWinPE": ("offlineServicing", "auditSystem"),
    "Shell-Setup": _LATER,
    "International-Core": ("specialize", "auditSystem", "oobeSystem"),
    "UnattendedJoin": ("specialize",),
    "PnpSysprep": ("generalize",),
    "Deployment": ("generalize", "specialize", "auditSystem", "auditUser", "oobeSystem"),
    "Security-SPP": ("generalize", "specialize"),
    "Security-SPP-UX": ("specialize", "oobeSystem"),
    "LUA-Settings": ("offlineServicing", "specialize"),
    "TerminalServices-RDP-WinStationExtensions": (),
    "TerminalServices-LocalSessionManager": (),
    "TerminalServices-RemoteConnectionManager": (),
    "TerminalServices-Publishing-WMIProvider": (),
    "TerminalServices-LicenseServer": (),
    "TCPIP": ("windowsPE", "specialize"),
    "DNS-Client": ("windowsPE", "specialize"),
    "NetBT": ("windowsPE", "specialize"),
    "IE-InternetExplorer": (),
    "IE-ESC": (),
    "IE-ClientNetworkProtocolImplementation": (),
    "ErrorReportingCore": (),
    "SystemRestore-Main": (),
    "RemoteAssistance-Exe": (),
    "ServerManager-SvrMgrNc": (),
    "OutOfBoxExperience": (),
    "Defrag-Core": (),
    "Power-Policy-WDI": (),
    "powercpl": (),
    "SQMApi": (),
    "SQMAPI": (),
    "TapiSetup": (),
    "WDF-KernelLibrary": (),
    "WinRE-RecoveryAgent": (),
    "WinSAT": (),
    "BrowserService": (),
    "MapControl-Desktop": (),
    "HomeGroup": (),
    "HelpAndSupport": (),
    "DNS-Server": (),
    "DirectoryServices-ADAM": (),
    "DiagCpl": (),
    "DfsClient": (),
    "EnhancedStorage-EhStorClass": (),
    "EventCollector": (),
    "GPIOButtons": (),
    "Installer-Core": (),
    "LanguagePackSetup": (),
    "MediaPlayer-Core": (),
    "MobilePC-Sensors-API": (),
    "NetworkBridge": (),
    "Netlogon": (),
    "Printing-Spooler-Core": (),
    "Printing-Spooler-Core-Localspl": (),
    "RasServer": (),
    "RasApi-MprApi": (),
    "RemovableStorageManager": (),
    "SecureStartup-FilterDriver": (),
    "SharedAccess": (),
    "SMBServer": (),
    "SNMP-Agent-Service": (),
    "StickyNotes": (),
    "Store-Client-UI": (),
    "TabletPC-Platform-Input-Core": (),
    "TextServicesFramework-MSCTF": (),
    "UnifiedWriteFilter": (),
    "Embedded-EmbeddedLogon": (),
    "Embedded-ShellLauncher": (),
    "Embedded-KeyboardFilterService": (),
    "Embedded-BootExp": (),
    "WebClient": (),
    "WiFiNetworkManager": (),
    "WinLogon": (),
    "WMPNSS-Service": (),
    "WorkstationService": (),
}
_WITHOUT_PREFIX: Final[dict[str, tuple[str, ...]]] = {
    "Networking-MPSSVC-Svc": (),
    "Microsoft-Windows-WinPE": ("windowsPE",),
    "Security-Malware-Windows-Defender": (),
    "Windows-Defender": (),
    "Server-Role-Fax": (),
    "NetworkingMPSSVC": (),
    "WindowsSearchEngineSVC": (),
}
COMPONENTS: Final[dict[str, tuple[str, ...]]] = {
    **{_PREFIX + name: passes for name, passes in _PASSES_OF.items()},
    **_WITHOUT_PREFIX,
}

_HOST: Final = re.compile(r"[^\s\\/:*?\"<>|.,~!@#$%^&'(){}_]+")
_PRODUCT_KEY: Final = re.compile(
    r"[BCDFGHJKMNPQRTVWXY2346789N]{5}(?:-[BCDFGHJKMNPQRTVWXY2346789N]{5}){4}", re.IGNORECASE
)
_LOCALE: Final = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*|[0-9a-fA-F]{4}:[0-9a-fA-F]{8}")


def computer_name(value: str) -> str | None:
    """What is wrong with a computer name; None if nothing. `*` lets Windows choose."""
    if value == "*":
        return None
    if not value:
        return "a computer name may not be empty"
    if len(value.encode("utf-16-le")) > 30:
        return "a computer name has at most 15 characters; Windows would cut it"
    if _HOST.fullmatch(value) is None or value.isdigit() or value.startswith("-") or value.endswith("-"):
        return "not a computer name: letters, digits and '-' inside, not only digits"
    return None


def product_key(value: str) -> str | None:
    """What is wrong with a product key."""
    if value and _PRODUCT_KEY.fullmatch(value) is None:
        return "not a product key: five groups of five of the letters and digits in use"
    return None


def locale(value: str) -> str | None:
    """What is wrong with a locale or input locale: `de-DE`, `0407:00000407`, several split by `;`."""
    for one in value.split(";"):
        if _LOCALE.fullmatch(one.strip()) is None:
            return "not a locale such as en-US or 0409:00000409"
    return None


def flag(value: str) -> str | None:
    """What is wrong with true or false."""
    return None if value.strip() in {"true", "false"} else "expected true or false"


def time_zone(value: str) -> str | None:
    """What is wrong with the name of a time zone: Windows' own, not IANA's."""
    if not value.strip():
        return "a time zone may not be empty"
    if "/" in value and "(" not in value:
        return "this is an IANA time zone; Windows takes its own names, such as 'W. Europe Standard Time'"
    return None


def order(value: str) -> str | None:
    """What is wrong with the order of a command."""
    return None if value.isascii() and value.isdigit() and 1 <= int(value[:4]) <= 500 else "expected 1 to 500"


def organization_unit(value: str) -> str | None:
    """What is wrong with the distinguished name of an organisational unit."""
    return (
        None if re.match(r"(?i)\s*(ou|cn|dc)\s*=", value) else "expected a distinguished name, OU=...,DC=..."
    )


# (Component without the prefix, element) to its check; "" for any component.
VALUES: Final[dict[tuple[str, str], Callable[[str], str | None]]] = {
    ("Shell-Setup", "ComputerName"): computer_name,
    ("Shell-Setup", "TimeZone"): time_zone,
    ("Shell-Setup", "ProductKey"): product_key,
    ("Shell-Setup", "CopyProfile"): flag,
    ("UnattendedJoin", "MachineObjectOU"): organization_unit,
    ("", "PlainText"): flag,
    ("", "Order"): order,
    ("International-Core", "InputLocale"): locale,
    ("International-Core", "SystemLocale"): locale,
    ("International-Core", "UILanguage"): locale,
    ("International-Core", "UserLocale"): locale,
    ("International-Core-WinPE", "InputLocale"): locale,
    ("International-Core-WinPE", "SystemLocale"): locale,
    ("International-Core-WinPE", "UILanguage"): locale,
    ("International-Core-WinPE", "UserLocale"): locale,
}


def check_of(component: str, element: str) -> Callable[[str], str | None] | None:
    """The check of an element's text; None when every text is fine."""
    return VALUES.get((component.removeprefix(_PREFIX), element)) or VALUES.get(("", element))
