"""`guestwright host volume …` as programs, against the API over a real storage domain."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.host.api.operations.volumes import volume_endpoints
from guestwright.host.volumes.storage import Storage
from tests.support.api_server import Running, serving
from tests.support.program import Done, guestwright
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("qemu-img")]
SIZE = 1 << 20


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("api")
    os.mkdir(directory / "state", 0o700)
    paths = {name: str(directory / name) for name in ("main", "fast")}
    with Storage(str(directory / "state"), paths) as storage:
        storage.start()
        with serving(directory, jobs=storage.jobs, more=volume_endpoints(storage.domains)) as running:
            yield running


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(os.urandom(4096) + bytes(SIZE - 4096))
    return path


def ask(api: Running, *args: str | Path) -> Done:
    return guestwright("host", "volume", *map(str, args), "--socket", api.unix)


def test_from_a_file_and_back(api: Running, disk: Path, tmp_path: Path) -> None:
    done = ask(api, "upload", disk, "main/one")
    assert (done.status, done.out) == (0, "main/one is there\n"), done.err
    done = ask(api, "copy", "main/one", "fast/two", "--format", "qcow2", "--shared", "--description", "it")
    assert (done.status, done.out) == (0, "fast/two is there\n"), done.err
    (two,) = ask(api, "list", "fast", "--json").json["volumes"]
    assert (two["storage"], two["id"], two["format"], two["kind"]) == ("fast", "two", "qcow2", "shared")
    assert (two["state"], two["size"], two["description"]) == ("legal", SIZE, "it")
    back = tmp_path / "two.qcow2"
    found = ask(api, "download", "fast/two", back, "--json").json
    assert (found["kind"], found["file"], found["size"]) == (
        *("guestwright.host.download", str(back)),
        back.stat().st_size,
    )
    compared = subprocess.run(["qemu-img", "compare", str(disk), str(back)], check=False, capture_output=True)
    assert compared.returncode == 0
    again = ask(api, "upload", back, "main/three", "--json")
    assert again.json["job"]["status"] == "done"
    lines = ask(api, "list").out.splitlines()
    assert lines[0].split()[:5] == ["VOLUME", "STATE", "KIND", "FORMAT", "SIZE"]
    assert [line.split()[:4] for line in lines[1:]] == [
        ["fast/two", "legal", "shared", "qcow2"],
        ["main/one", "legal", "leaf", "raw"],
        ["main/three", "legal", "leaf", "qcow2"],
    ]
    for name in ("fast/two", "main/one", "main/three"):
        done = ask(api, "delete", name)
        assert (done.status, done.out) == (0, f"{name} is gone\n")
    assert ask(api, "list", "--json").json["volumes"] == []


def test_a_job_that_is_only_begun(api: Running, disk: Path) -> None:
    assert ask(api, "upload", disk, "main/begun").status == 0
    job = ask(api, "delete", "main/begun", "--no-wait", "--json").json["job"]
    ended = guestwright("host", "job", job["id"], "--wait", "--socket", api.unix, "--json").json["job"]
    assert (ended["kind"], ended["status"]) == ("volume.delete", "done")


def test_what_fails_has_the_jobs_own_code(api: Running, disk: Path, tmp_path: Path) -> None:
    assert ask(api, "upload", disk, "main/no-guest").status == 0
    done = ask(api, "seal", "main/no-guest", "--json")
    assert done.status == 1
    assert done.json["error"]["code"] not in ("client-refused", "job-cancelled")
    (one,) = ask(api, "list", "main", "--json").json["volumes"]
    assert one["state"] == "illegal"
    assert ask(api, "delete", "main/no-guest", "--generation", "77").status == 1
    assert ask(api, "delete", "main/no-guest").status == 0
    for args in (("copy", "main/nothing", "main/x"), ("download", "main/nothing", tmp_path / "x")):
        done = ask(api, *args, "--json")
        assert (done.status, done.json["error"]["code"]) == (1, "volume-not-found")
    assert ask(api, "list", "nowhere", "--json").status == 1
    done = ask(api, "download", "main/nothing", tmp_path / "no" / "x", "--json")
    assert (done.status, done.json["error"]["code"]) == (1, "client-local-file")


@pytest.mark.parametrize(
    "args",
    [
        ("copy", "main", "main/x"),
        ("copy", "main/a/b", "main/x"),
        ("delete", "/x"),
        ("seal", "main/a", "fast/b"),
        ("upload", "/dev/null/x", "main/x"),
    ],
)
def test_wrong_usage(api: Running, args: tuple[str, ...]) -> None:
    assert ask(api, *args).status == 2


def test_files_that_do_not_fit(api: Running, tmp_path: Path) -> None:
    odd = tmp_path / "odd.img"
    odd.write_bytes(b"x" * 700)
    done = ask(api, "upload", odd, "main/odd")
    assert done.status == 2
    assert "no whole sectors" in done.err
    assert ask(api, "upload", odd, "main/odd", "--format", "qcow2").status == 2
