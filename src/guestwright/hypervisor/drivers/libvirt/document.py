"""libvirt's XML as elements. It is libvirt's own output, yet parts of it were written by whoever defined it.

Stands against entity bombs and endless text: there is no document type in libvirt's XML, so one is refused
(libvirt itself writes entities out), and the size is bounded.
"""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree as ET

from guestwright.hypervisor.errors import HypervisorRefused

Element = ET.Element

_MAX: Final = 4 << 20  # bytes; a domain with 100 drives has some 60 KB


def parse(text: str, domain: str) -> Element:
    """The root of a document.

    Raises:
        HypervisorRefused: it is too big, has a document type or is no XML.
    """
    if len(text) > _MAX or "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise HypervisorRefused(action="reading", domain=domain, detail="its XML is not what libvirt writes")
    try:
        return ET.fromstring(text)  # noqa: S314 - see above
    except ET.ParseError as error:
        raise HypervisorRefused(action="reading", domain=domain, detail=error) from error


def serialise(root: Element) -> str:
    """An element as text."""
    return ET.tostring(root, encoding="unicode")


def make(tag: str, *children: Element | None, text: str = "", **attributes: str) -> Element:
    """An element; children that are None and attributes that are "" are left out."""
    made = Element(tag, {name.rstrip("_"): value for name, value in attributes.items() if value})
    made.text = text or None
    made.extend(each for each in children if each is not None)
    return made


def attribute(root: Element, path: str, name: str) -> str:
    """An attribute of a descendant; "" when either is missing."""
    found = root.find(path)
    return "" if found is None else found.get(name, "")
