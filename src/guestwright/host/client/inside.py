"""What a host service does inside a guest on a caller's behalf: files, clipboard, settings.

    with HostClient(address, SECONDS) as client:
        data = read_file(client, uuid, "/etc/hostname")
        set_hostname(client, uuid, "web2")

Each raises what `Asking.ask` does; the guest's own refusals are `HostRefused`.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote, urlencode

from guestwright.host.client.client import HostClient

SECONDS: Final = 700.0  # a file may take 600
FILE_MAX: Final = 16 << 20


def read_file(client: HostClient, uuid: str, path: str) -> bytes:
    """A file of the guest, at most `FILE_MAX` bytes.

    Args:
        client: of the host.
        uuid: of the domain.
        path: in the guest, absolute.
    """
    return client.open("GET", f"{_one(uuid)}/file?{urlencode({'path': path})}").read()


def write_file(client: HostClient, uuid: str, path: str, data: bytes, mode: str = "600") -> None:
    """Write a file of the guest, all or nothing.

    Args:
        client: of the host.
        uuid: of the domain.
        path: in the guest, absolute.
        data: what is to be in it, at most `FILE_MAX` bytes.
        mode: its permissions, octal.
    """
    headers = {"Content-Type": "application/octet-stream"}
    query = urlencode({"path": path, "mode": mode})
    client.open("PUT", f"{_one(uuid)}/file?{query}", data, headers).read()


def clipboard_set(client: HostClient, uuid: str, text: str) -> None:
    """Put a text into the guest's clipboard."""
    client.ask("PUT", f"{_one(uuid)}/clipboard", {"text": text})


def clipboard_get(client: HostClient, uuid: str, seconds: float) -> str:
    """The next text that comes into the guest's clipboard within so many seconds."""
    return str(client.get(f"{_one(uuid)}/clipboard", wait=seconds)["text"])


def set_hostname(client: HostClient, uuid: str, name: str) -> str:
    """Give the guest a name; what it has to say about that."""
    return str(client.ask("PUT", f"{_one(uuid)}/hostname", {"name": name})["text"])


def set_address(client: HostClient, uuid: str, wish: dict[str, Any]) -> str:
    """Set what an interface of the guest has; what it has to say about that.

    Args:
        client: of the host.
        uuid: of the domain.
        wish: the body of the operation `address`.
    """
    return str(client.ask("PUT", f"{_one(uuid)}/address", wish)["text"])


def set_clock(client: HostClient, uuid: str) -> str:
    """Set the guest's clock to the host's; what it has to say about that."""
    return str(client.post(f"{_one(uuid)}/clock")["text"])


def _one(uuid: str) -> str:
    return f"/v1/domains/{quote(uuid, safe='')}"
