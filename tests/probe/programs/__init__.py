"""Real programs, each set up in a directory of its own the way an image sets them up."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path
from string import Template

import pytest

HERE = Path(__file__).parent
# The last one has our own, also where the virtual environment is not on the PATH.
PLACES = ("/usr/sbin", "/sbin", sysconfig.get_path("scripts"))
POSTGRES = "/usr/lib/postgresql"


def program(name: str) -> str:
    """Return the path of an installed program; skip the test where it is missing."""
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(PLACES))
    if found is None:
        pytest.skip(f"{name} is not installed: tools/system-packages tests")
    return found


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def configured(name: str, directory: Path, **values: object) -> str:
    """Write a configuration file of this package into a directory, with its $names replaced."""
    path = directory / name
    path.write_text(Template((HERE / name).read_text()).substitute(directory=directory, **values))
    return str(path)


def redis(directory: Path, port: int) -> tuple[str, ...]:
    """Redis that saves to dump.rdb in the directory when it is shut down."""
    where = ("--bind", "127.0.0.1", "--port", str(port), "--dir", str(directory))
    return program("redis-server"), *where, "--save", "3600", "1", "--loglevel", "warning"


def nginx(directory: Path, port: int, slow: float) -> tuple[str, ...]:
    """Nginx in the foreground; /slow takes it about `slow` seconds."""
    (directory / "slow").write_bytes(b"x" * int(slow * 100_000))  # at 100k, see there
    configuration = configured("nginx.conf", directory, port=port)
    return program("nginx"), "-p", str(directory), "-c", configuration


def script(directory: Path, name: str, *words: str) -> tuple[str, ...]:
    """Run a copy of a script of this package that every user may read."""
    directory.chmod(0o755)
    shutil.copy(HERE / name, directory)
    # Not our own Python: that may lie where only its owner comes.
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if python is None:
        pytest.skip("Python is not installed for everybody: tools/system-packages tests")
    return python, "-S", str(directory / name), *words


def gunicorn(port: int) -> tuple[str, ...]:
    """Gunicorn with two workers that serve one request at a time."""
    where = ("--bind", f"127.0.0.1:{port}", "--workers", "2", "--chdir", str(HERE))
    return sys.executable, "-m", "gunicorn", *where, "--log-level", "warning", "application:wsgi"


def uvicorn(port: int) -> tuple[str, ...]:
    """Uvicorn in one process."""
    where = ("--port", str(port), "--app-dir", str(HERE))
    return sys.executable, "-m", "uvicorn", *where, "--log-level", "warning", "application:asgi"


def supervisord(directory: Path) -> tuple[str, ...]:
    """Supervisord over a Python server, and over another one behind a shell."""
    server = " ".join(script(directory, "server.py"))
    return program("supervisord"), "-n", "-c", configured("supervisord.conf", directory, server=server)


class Postgres:
    """PostgreSQL with its data in a directory; it runs as a user of its own, because it refuses root."""

    def __init__(self, directory: Path) -> None:
        """Make the data directory."""
        places = sorted(Path(POSTGRES).glob("*/bin"))
        if not places:
            pytest.skip("PostgreSQL is not installed: tools/system-packages tests")
        self.programs = places[-1]
        self.user = None if os.geteuid() else "postgres"
        self.directory = directory
        self.data = directory / "data"
        if self.user:
            shutil.chown(directory, self.user)
        self._run(
            "initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-sync", "--no-instructions"
        )

    def command(self, port: int) -> tuple[str, ...]:
        """What runs as PID 1."""
        where = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": self.directory}
        settings = (
            word for name, value in {**where, "fsync": "off"}.items() for word in ("-c", f"{name}={value}")
        )
        return str(self.programs / "postgres"), "-D", str(self.data), *settings

    def state(self) -> str:
        """What the control file says of the last end."""
        said = self._run("pg_controldata", "-D", self.data)
        return next(line.partition(":")[2].strip() for line in said.splitlines() if "cluster state" in line)

    def _run(self, name: str, *words: object) -> str:
        command = [str(self.programs / name), *map(str, words)]
        done = subprocess.run(
            command,
            user=self.user,
            cwd=self.directory,
            check=False,
            capture_output=True,
            text=True,
            env={"LC_ALL": "C"},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
