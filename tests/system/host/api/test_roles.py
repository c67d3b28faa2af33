"""Who gets in: users of the host by the kernel's word, others by certificate; judged by clients of others."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.host.api.callers import Access
from guestwright.host.api.errors import NoServerCertificate
from guestwright.host.api.tls import ServerContext
from guestwright.host.enrol.authority import Authority
from guestwright.host.enrol.roles import Role
from tests.support.api_server import PATIENCE, Running, context, put, serving
from tests.support.host_service import WEB1
from tests.support.tools import needs

pytestmark = pytest.mark.system

# Another user asks for a path; prints status and body.
STRANGER = """
import os, socket, sys
uid, gid, groups = int(sys.argv[2]), int(sys.argv[3]), [int(one) for one in sys.argv[4].split(",") if one]
os.setgroups(groups); os.setgid(gid); os.setuid(uid)
line = socket.socket(socket.AF_UNIX); line.settimeout(60); line.connect(sys.argv[1])
body = b'{"action":"reboot"}'
line.sendall(b"POST /v1/domains/%s/power HTTP/1.1\\r\\nHost: h\\r\\nConnection: close\\r\\n"
             b"Content-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n%s"
             % (sys.argv[5].encode(), len(body), body))
text = b""
while part := line.recv(65536):
    text += part
sys.stdout.write(text.decode())
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("tls"), tls=True) as running:
        yield running


def enrolled(api: Running, directory: Path, name: str, role: Role) -> ssl.SSLContext:
    assert api.authority is not None
    return context(put(directory, api.authority.client(name, role, time.time())))


def ask(api: Running, secure: ssl.SSLContext, method: str, path: str, body: str = "") -> tuple[int, str]:
    assert api.server.port is not None
    line = http.client.HTTPSConnection("127.0.0.1", api.server.port, context=secure, timeout=PATIENCE)
    try:
        line.request(method, path, body or None, {"Content-Type": "application/json"} if body else {})
        answer = line.getresponse()
        return answer.status, answer.read().decode()
    finally:
        line.close()


@pytest.mark.parametrize(
    ("role", "method", "path", "body", "status"),
    [
        (Role.VIEWER, "GET", "/v1/domains", "", 200),
        (Role.VIEWER, "POST", f"/v1/domains/{WEB1}/power", '{"action":"reboot"}', 403),
        (Role.OPERATOR, "POST", f"/v1/domains/{WEB1}/power", '{"action":"reboot"}', 200),
        (Role.ADMIN, "POST", f"/v1/domains/{WEB1}/power", '{"action":"reboot"}', 200),
    ],
)
def test_a_certificate_gives_its_role(
    api: Running, tmp_path: Path, role: Role, method: str, path: str, body: str, status: int
) -> None:
    secure = enrolled(api, tmp_path / "ann", "ann", role)
    assert ask(api, secure, method, path, body)[0] == status
    who = json.loads(ask(api, secure, "GET", "/v1/whoami")[1])
    assert who == {"caller": "cert:ann", "role": role}


def test_a_refused_role_says_which_is_needed(api: Running, tmp_path: Path) -> None:
    secure = enrolled(api, tmp_path / "ann", "ann", Role.VIEWER)
    _, text = ask(api, secure, "POST", f"/v1/domains/{WEB1}/power", '{"action":"reboot"}')
    error = json.loads(text)["error"]
    assert error["code"] == "api-role"
    assert "power needs the role operator; cert:ann is viewer" in error["message"]


def test_a_revoked_certificate_is_refused_on_an_open_connection(api: Running, tmp_path: Path) -> None:
    assert api.authority is not None
    assert api.server.port is not None
    secure = enrolled(api, tmp_path / "eve", "eve", Role.ADMIN)
    line = http.client.HTTPSConnection("127.0.0.1", api.server.port, context=secure, timeout=PATIENCE)
    line.request("GET", "/v1")
    assert line.getresponse().read()
    api.authority.revoke("eve", time.time())
    line.request("GET", "/v1")
    answer = line.getresponse()
    assert answer.status == 403
    assert json.loads(answer.read())["error"]["code"] == "api-forbidden"
    line.close()


@pytest.mark.parametrize("kind", ["none", "another authority", "a server's"])
def test_without_a_certificate_of_ours_there_is_no_conversation(
    api: Running, tmp_path: Path, kind: str
) -> None:
    assert api.authority is not None
    secure = ssl.create_default_context(cafile=api.authority.path("authority.pem"))
    if kind == "another authority":
        other = Authority(str(tmp_path / "other"))
        other.create("host2", time.time())
        put(tmp_path / "mallory", other.client("mallory", Role.ADMIN, time.time()))
        secure.load_cert_chain(tmp_path / "mallory" / "client.pem")
    elif kind == "a server's":
        secure.load_cert_chain(api.authority.path("server.pem"))
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
        ask(api, secure, "GET", "/v1")


def test_a_certificate_made_behind_the_lists_back_is_refused(api: Running, tmp_path: Path) -> None:
    from guestwright.host.enrol.certificates import make_client

    assert api.authority is not None
    forged = make_client(api.authority._signer(), "ghost", Role.ADMIN, time.time())
    status, text = ask(api, context(put(tmp_path / "ghost", forged)), "GET", "/v1")
    assert (status, json.loads(text)["error"]["code"]) == (403, "api-forbidden")


def test_clients_check_the_servers_name(api: Running, tmp_path: Path) -> None:
    secure = enrolled(api, tmp_path / "ann", "ann", Role.VIEWER)
    assert api.server.port is not None
    with (
        socket.create_connection(("127.0.0.1", api.server.port), PATIENCE) as line,
        pytest.raises(ssl.SSLCertVerificationError, match=r"[Hh]ostname"),
    ):
        secure.wrap_socket(line, server_hostname="elsewhere.lan")


@needs("openssl")
@pytest.mark.parametrize(("options", "good"), [([], True), (["-tls1_2"], False)], ids=["1.3", "1.2"])
def test_openssl_gets_an_answer_by_tls_1_3_only(
    api: Running, tmp_path: Path, options: list[str], good: bool
) -> None:
    enrolled(api, tmp_path / "ann", "ann", Role.VIEWER)
    files = tmp_path / "ann"
    done = subprocess.run(
        [
            *("openssl", "s_client", "-connect", f"127.0.0.1:{api.server.port}", "-verify_return_error"),
            *("-CAfile", str(files / "authority.pem"), "-cert", str(files / "client.pem")),
            *("-verify_hostname", "localhost", "-quiet", *options),
        ],
        input=b"GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (b'{"caller":"cert:ann","role":"viewer"}' in done.stdout) is good, done.stderr.decode()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize(
    ("uid", "gid", "groups", "status"),
    [
        (0, 0, "", "200"),
        (65534, 65534, "", None),
        (65534, 65534, "4321", "200"),
        (65534, 4321, "", "200"),
        (4000, 65534, "", None),
    ],
)
def test_users_of_the_host_by_the_kernels_word(
    tmp_path: Path, uid: int, gid: int, groups: str, status: str | None
) -> None:
    for one in (tmp_path, *list(tmp_path.parents)[:-2]):
        os.chmod(one, one.stat().st_mode | 0o111)
    access = Access(owner=os.geteuid(), group=4321)
    with serving(tmp_path, access=access) as api:
        argv = [sys.executable, "-c", STRANGER, api.unix, str(uid), str(gid), groups, WEB1]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=PATIENCE)
        if status is None:
            assert "PermissionError" in done.stderr
            os.chmod(api.unix, 0o666)  # even if the socket's mode is lost, the service itself refuses
            done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert done.stdout.split()[1] == (status or "403")


@pytest.mark.parametrize("made", [False, True], ids=["no authority", "no certificate"])
def test_tls_without_a_certificate_does_not_start(tmp_path: Path, made: bool) -> None:
    authority = Authority(str(tmp_path / "pki"))
    if made:
        authority.create("host1", time.time())
    with pytest.raises(NoServerCertificate):
        ServerContext(authority)


def test_a_renewed_certificate_is_taken_up(tmp_path: Path) -> None:
    authority = Authority(str(tmp_path / "pki"))
    authority.create("host1", time.time())
    authority.server(["localhost"], time.time())
    served = ServerContext(authority)
    assert not served.reload()
    authority.server(["localhost"], time.time())
    assert served.reload()
