"""What the API answers over a real unix socket, read by httpx2."""

from __future__ import annotations

import json
import logging
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from guestwright.host.api.callers import Access
from guestwright.host.api.errors import CannotListen
from guestwright.host.api.operations.domains import Capabilities, Domains, GuestReply
from guestwright.host.api.operations.host import Duplicates, Whoami
from guestwright.host.api.wire import encode, wire_type
from guestwright.host.service.port import AboutHost, Known
from guestwright.http_api import workers
from tests.support.api_server import PATIENCE, Running, serving
from tests.support.host_service import DB1, WEB1

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.fixture
def client(api: Running) -> Iterator[httpx2.Client]:
    with api.client() as client:
        yield client


def refusal(answer: httpx2.Response) -> dict[str, Any]:
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "hint", "params"}
    found: dict[str, Any] = body["error"]
    return found


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1", AboutHost),
        ("/v1/whoami", Whoami),
        ("/v1/domains", Domains),
        (f"/v1/domains/{WEB1}", Known),
        (f"/v1/domains/{WEB1}/guest", GuestReply),
        (f"/v1/domains/{DB1}/guest", GuestReply),
        (f"/v1/domains/{WEB1}/capabilities", Capabilities),
        ("/v1/duplicates", Duplicates),
    ],
)
def test_answers_are_exactly_of_their_documented_types(client: httpx2.Client, path: str, kind: Any) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert len(answer.headers["x-request-id"]) == 26
    typed = msgspec.json.decode(answer.content, type=wire_type(kind))
    assert json.loads(encode(msgspec.to_builtins(typed))) == answer.json()


def test_a_guest_has_its_facts_with_source_and_age(client: httpx2.Client) -> None:
    guest = client.get(f"/v1/domains/{WEB1}/guest").json()["guest"]
    assert guest["facts"]["host"]["value"]["name"] == "web1"
    assert guest["facts"]["host"]["source"] == "agent"
    (nic,) = guest["facts"]["nics"]["value"]
    assert [one["address"] for one in nic["addresses"]] == ["192.0.2.10", "2001:db8::10"]
    assert guest["features"]["exec"] == "denied: not in agent.toml"


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code"),
    [
        ("GET", "/", None, 404, "api-no-such-path"),
        ("GET", "/v2/domains", None, 404, "api-no-such-path"),
        ("GET", "/v1/domains/", None, 404, "api-no-such-path"),
        ("GET", "/v1/domains/../../etc/passwd", None, 404, "api-no-such-path"),
        ("DELETE", "/v1/nothing", None, 404, "api-no-such-path"),
        ("DELETE", "/v1/domains", None, 405, "api-method-not-allowed"),
        ("PATCH", f"/v1/domains/{WEB1}", None, 405, "api-method-not-allowed"),
        ("GET", "/v1/domains/web1", None, 404, "domain-not-found"),
        ("GET", f"/v1/domains/{WEB1.upper()}", None, 404, "domain-not-found"),
        ("GET", f"/v1/domains/{WEB1[:-1]}7", None, 404, "domain-not-found"),
        ("GET", "/v1/domains?all=1", None, 400, "api-bad-request"),
        ("GET", "/v1/events?after=nonsense", None, 400, "api-bad-request"),
        ("GET", "/v1/events?since=1", None, 400, "api-bad-request"),
        ("GET", "/v1/events?kinds=a&kinds=b", None, 400, "api-bad-request"),
        ("GET", "/v1/events?kinds=" + "x" * 5000, None, 400, "api-bad-request"),
        ("POST", f"/v1/domains/{WEB1}/power", {}, 400, "api-bad-request"),
        ("POST", f"/v1/domains/{WEB1}/power", {"action": "explode"}, 400, "api-bad-request"),
        ("POST", f"/v1/domains/{WEB1}/power", {"action": 1}, 400, "api-bad-request"),
        ("POST", f"/v1/domains/{WEB1}/power", {"action": "start", "x": 1}, 400, "api-bad-request"),
        ("POST", f"/v1/domains/{WEB1}/power", [], 400, "api-bad-request"),
        ("POST", f"/v1/domains/{WEB1}/channel", {"x": 1}, 413, "api-body-too-large"),
    ],
)
def test_what_is_wrong_is_refused_by_name(
    client: httpx2.Client, method: str, path: str, sent: Any, status: int, code: str
) -> None:
    answer = client.request(method, path, **({} if sent is None else {"json": sent}))
    assert (answer.status_code, refusal(answer)["code"]) == (status, code)
    if status == 405:
        assert answer.headers["allow"]


def test_a_body_has_a_type_and_an_end(client: httpx2.Client, api: Running) -> None:
    path, before = f"/v1/domains/{WEB1}/power", list(api.host.called)
    answer = client.post(path, content=b'{"action": "start"}', headers={"content-type": "text/plain"})
    assert refusal(answer)["code"] == "api-not-json"
    answer = client.post(path, content=b"x" * (65 << 10), headers={"content-type": "application/json"})
    assert refusal(answer)["code"] == "api-body-too-large"
    pieces = (b" " * 1000 for _ in range(70))
    answer = client.post(path, content=pieces, headers={"content-type": "application/json"})
    assert refusal(answer)["code"] == "api-body-too-large"
    assert api.host.called == before


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
).map(lambda one: json.dumps(one).encode())))  # fmt: skip
def test_no_body_breaks_the_service(client: httpx2.Client, body: bytes) -> None:
    answer = client.post(
        f"/v1/domains/{DB1}/power", content=body, headers={"content-type": "application/json"}
    )
    assert (answer.status_code, refusal(answer)["code"]) == (400, "api-bad-request")
    assert "\x1b" not in answer.text


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_no_path_breaks_the_service(client: httpx2.Client, text: str) -> None:
    from urllib.parse import quote

    answer = client.get("/v1/domains/" + quote(text, safe=""))
    assert answer.status_code in (200, 404)
    if answer.status_code == 404:
        assert refusal(answer)["code"] in ("domain-not-found", "api-no-such-path")


def test_deep_nesting_is_a_bad_request(client: httpx2.Client) -> None:
    body = b"[" * 30000 + b"]" * 30000
    path = f"/v1/domains/{DB1}/power"
    answer = client.post(path, content=body, headers={"content-type": "application/json"})
    assert refusal(answer)["code"] == "api-bad-request"


def test_power_reaches_the_service(client: httpx2.Client, api: Running) -> None:
    answer = client.post(f"/v1/domains/{DB1}/power", json={"action": "start"})
    assert answer.json()["power"] == "running"
    assert api.host.called[-1] == ("power", DB1, "start")


def test_a_change_is_audited_without_what_was_sent(
    client: httpx2.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="guestwright.audit")
    answer = client.post(f"/v1/domains/{WEB1}/power", json={"action": "reboot"})
    client.post(f"/v1/domains/{WEB1}/power", json={"action": "canary-1f"})
    client.get("/v1/domains")
    done, refused = (one for one in caplog.records if one.name == "guestwright.audit")
    entry = done.__dict__["audit"]
    assert entry["request"] == answer.headers["x-request-id"]
    assert (entry["caller"], entry["role"], entry["pid"]) == (f"uid:{os.geteuid()}", "admin", os.getpid())
    assert (entry["operation"], entry["subject"], entry["status"], entry["code"]) == ("power", WEB1, 200, "")
    assert refused.__dict__["audit"]["code"] == "api-bad-request"
    assert "canary-1f" not in caplog.text


def test_a_mistake_of_ours_is_told_without_details(
    client: httpx2.Client, api: Running, caplog: pytest.LogCaptureFixture
) -> None:
    api.host.broken = True
    try:
        answer = client.get("/v1/domains")
    finally:
        api.host.broken = False
    assert (answer.status_code, refusal(answer)["code"]) == (500, "api-internal")
    assert "programmer" not in answer.text
    number = answer.headers["x-request-id"]
    assert number in refusal(answer)["message"]
    assert any(number in one.getMessage() and one.exc_info for one in caplog.records)


def test_what_takes_too_long_gets_an_answer_and_goes_on(tmp_path: Path) -> None:
    from guestwright.base.record import replace
    from guestwright.host.api.operations.domains import domain_endpoints
    from tests.support.host_service import ScriptedHost

    slow = ScriptedHost()
    slow.go.clear()
    (power,) = (one for one in domain_endpoints(slow) if one.name == "power")
    hasty = replace(power, path="/v1/hasty/{uuid}", seconds=0.05)
    with serving(tmp_path, more=(hasty,)) as api, api.client() as client:
        answer = client.post(f"/v1/hasty/{WEB1}", json={"action": "kill"})
        assert (answer.status_code, refusal(answer)["code"]) == (504, "api-timeout")
        assert slow.called == []
        slow.go.set()
        assert slow.done.wait(PATIENCE)
        assert slow.called == [("power", WEB1, "kill")]


def test_too_much_at_once_is_refused_and_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "WAITING_MAX", 1)
    with serving(tmp_path) as api, api.client() as client:
        api.host.go.clear()
        slow = threading.Thread(
            target=lambda: client.post(f"/v1/domains/{WEB1}/power", json={"action": "kill"})
        )
        slow.start()
        with api.client() as other:
            for _ in range(1000):
                answer = other.get("/v1/whoami")
                if answer.status_code == 503:
                    break
            assert refusal(answer)["code"] == "api-busy"
            assert answer.headers["retry-after"] == "1"
            api.host.go.set()
            slow.join(PATIENCE)
            assert other.get("/v1/whoami").status_code == 200


def test_metrics_are_readable_and_name_nothing_of_guests_or_callers(client: httpx2.Client) -> None:
    client.get("/v1/domains/canary-7c")
    text = client.get("/metrics").text
    families = {one.name: one for one in text_string_to_metric_families(text)}
    domains = {one.labels["power"]: one.value for one in families["guestwright_domains"].samples}
    assert domains == {"running": 1.0, "halted": 1.0}
    assert families["guestwright_touches"].samples[0].value == 7
    labels = {name for one in families.values() for sample in one.samples for name in sample.labels}
    assert labels == {
        *("power", "state", "quantile", "operation", "status", "le"),
        *("version", "hypervisor", "hypervisor_version", "store"),
    }
    assert "canary" not in text
    assert "web1" not in text


def test_the_socket_is_the_owners_and_goes_with_the_service(tmp_path: Path) -> None:
    with serving(tmp_path) as api:
        assert stat.S_IMODE(os.stat(api.unix).st_mode) == 0o600
        with pytest.raises(CannotListen, match="already"), serving(tmp_path):
            pass
        assert os.path.exists(api.unix)
    assert not os.path.exists(tmp_path / "api.sock")


def test_the_socket_of_a_killed_service_is_replaced_but_no_file(tmp_path: Path) -> None:
    import socket

    path = tmp_path / "api.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with serving(tmp_path) as api, api.client() as client:
        assert client.get("/v1").status_code == 200
    path.write_text("mine")
    with pytest.raises(CannotListen, match="no socket"), serving(tmp_path):
        pass
    assert path.read_text() == "mine"


def test_a_group_has_its_mode(tmp_path: Path) -> None:
    access = Access(owner=os.geteuid(), group=os.getegid())
    with serving(tmp_path, access=access) as api:
        assert stat.S_IMODE(os.stat(api.unix).st_mode) == 0o660
